// @ts-check
import { active, busy, have, initial, reduce, visible } from "/static/chat/js/store.js";
import { equal, ok, test } from "./harness.js";
import { CONVERSATION, delta, end, row, state, told } from "./rows.js";

const page = { conversation: { id: CONVERSATION, title: "Harbour" } };
const running = { status: "running" };

/** @param {any[]} events @param {any} start */
const after = (events, start = initial(page)) => events.reduce(reduce, start);

/** @param {import("/static/chat/js/store.js").State} shown */
const texts = (shown) => shown.messages.map(({ id, text }) => [id, text]);

/** @param {import("/static/chat/js/store.js").State} shown */
const ids = (shown) => shown.messages.map(({ id }) => id);

const asked = [state(row("m1", null, { text: "Hi" }), row("m2", "m1", { text: "He", ...running }))];

test("a delta at the cursor is appended, an older one is ignored", () => {
  const shown = after([...asked, delta("m2", 2, "llo"), delta("m2", 2, "llo"), delta("m2", 0, "He")]);
  equal(texts(shown), [["m1", "Hi"], ["m2", "Hello"]]);
  equal(shown.wants, null);
});

test("the cursor is the server's: it counts code points", () => {
  const shown = after([...asked, delta("m2", 2, "🚢🚢"), delta("m2", 4, "!")]);
  equal(shown.messages[1].text, "He🚢🚢!");
  equal(have(shown), { m1: 2, m2: 5 });
});

test("a delta beyond the cursor wants an open, once", () => {
  const gap = after([...asked, delta("m2", 9, "x")]);
  equal(gap.wants, "open");
  const waiting = after([{ type: "page:opened" }, delta("m2", 12, "y")], gap);
  equal([waiting.wants, waiting.awaiting], [null, true]);
  const closed = after([state(row("m2", "m1", { from: 2, text: "llo, x", ...running }))], waiting);
  equal(texts(closed), [["m1", "Hi"], ["m2", "Hello, x"]]);
  equal(closed.awaiting, false);
});

test("a state that begins elsewhere wants everything anew", () => {
  const shown = after([...asked, state(row("m1", null, { text: "Hi" }), row("m2", "m1", { from: 7, text: "x", ...running }))]);
  equal(shown.wants, "resync");
  equal(have(shown), {});
  equal(texts(shown), [["m1", "Hi"], ["m2", "He"]], "nothing is lost while asking");
});

test("a state from 0 replaces, also by less", () => {
  equal(texts(after([...asked, state(row("m1", null, { text: "H" }))])), [["m1", "H"]]);
});

test("earlier messages stay where they join a state, back to one that is not final", () => {
  const long = after([
    state(row("m1", null), row("m2", "m1"), row("m3", "m2"), row("m4", "m3")),
    state(row("m4", "m3"), row("m5", "m4")),
  ]);
  equal(ids(long), ["m1", "m2", "m3", "m4", "m5"]);
  const cut = after([
    state(row("m1", null), row("m2", "m1", running)),
    told(row("m3", "m2")),
    state(row("m4", "m3"), row("m5", "m4")),
  ]);
  equal(ids(cut), ["m3", "m4", "m5"]);
  equal(ids(after([state(row("m9", "m8"))], long)), ["m9"]);
});

test("a message goes after its parent, and what followed goes", () => {
  const shown = after([
    state(row("m1", null), row("m2", "m1"), row("m3", "m2"), row("m4", "m3")),
    told(row("m5", "m2", { text: "again" })),
  ]);
  equal(ids(shown), ["m1", "m2", "m5"]);
  equal(ids(after([told(row("m7", null))], shown)), ["m7"]);
});

test("a message whose parent is not shown wants an open", () => {
  const shown = after([...asked, told(row("m9", "m8"))]);
  equal([shown.wants, shown.messages.length], ["open", 2]);
});

test("what is about another conversation or message is ignored", () => {
  const before = after(asked);
  const other = { ...told(row("m9", null)), conversation: "other" };
  equal(after([other, delta("m9", 0, "x"), end("m9", 1), { type: "unheard" }], before), before);
});

test("the end closes a reply whose lengths agree, and only such", () => {
  const whole = after([...asked, end("m2", 2, { finish_reason: "stop" })]);
  equal([whole.messages[1].status, whole.wants, active(whole)], ["done", null, null]);
  const less = after([...asked, end("m2", 5)]);
  equal([less.messages[1].status, less.wants], ["running", "open"]);
  const thought = after([...asked, end("m2", 2, { reasoning_length: 3 })]);
  equal(thought.wants, "open");
});

test("a final reply never changes again", () => {
  const ended = after([...asked, end("m2", 2)]);
  equal(after([delta("m2", 2, "x"), end("m2", 3, { status: "error" })], ended), ended);
});

test("reasoning has a cursor of its own", () => {
  const shown = after([...asked, { ...delta("m2", 0, "hm"), type: "reasoning" }, delta("m2", 2, "llo")]);
  equal([shown.messages[1].reasoning, shown.messages[1].reasoning_length, shown.messages[1].text], ["hm", 2, "Hello"]);
});

test("a step takes the place of the one with its id", () => {
  const step = { id: "s1", name: "plan", status: "running", label: "Plan" };
  const shown = after([
    ...asked,
    { type: "step", message: "m2", step },
    { type: "step", message: "m2", step: { ...step, id: "s2" } },
    { type: "step", message: "m2", step: { ...step, status: "done", ms: 12 } },
  ]);
  equal(shown.messages[1].steps.map((/** @type {any} */ { id, status }) => [id, status]), [["s1", "done"], ["s2", "running"]]);
});

test("each welcome wants an open, but not for a chat that is still to be made", () => {
  equal(after([{ type: "welcome", limits: {} }]).wants, "open");
  equal(after([{ type: "welcome", limits: {} }], initial()).wants, null);
});

const frame = { type: "send", cid: "x1", conversation: CONVERSATION, text: "Hello", parent: null };
const queue = { type: "page:queue", conversation: CONVERSATION, frame };
const ack = { type: "ack", cid: "x1", duplicate: false, conversation: CONVERSATION, message: "m1", reply: "m2" };

test("a queued message is shown until its row comes, before or after its ack", () => {
  const queued = after([queue], initial());
  ok(busy(queued));
  const row1 = told(row("m1", null, { text: "Hello", cid: "x1" }));
  equal(after([ack], queued).queued?.acked, true);
  equal(after([ack, row1], queued).queued, null);
  equal(after([row1], queued).queued, null);
  equal(after([row1, ack], queued).queued, null);
});

test("the first message says all that was chosen, and the next ones say only what is chosen later", () => {
  const chosen = { type: "page:choose", chosen: { model: "large" } };
  const fresh = after([chosen, queue], initial());
  equal([fresh.model, fresh.choosing], ["large", {}]);
  equal(after([chosen, queue]).choosing, { model: "large" });
});

test("with a question of one's own the thousands before it are let go, to be fetched again", () => {
  const rows = Array.from({ length: 500 }, (_, n) => row(`r${n}`, n ? `r${n - 1}` : null));
  const many = after([state(...rows), { ...queue, frame: { ...frame, parent: "r499" } }]);
  equal(after([told(row("m1", "r499", { cid: "theirs" }))], many).messages.length, 501);
  equal(after([told(row("m1", "r499", { cid: "x1", role: "assistant" }))], many).messages.length, 501);
  const grown = after([told(row("m1", "r499", { cid: "x1" })), ack], many);
  equal([ids(grown), grown.queued], [[...rows.slice(400).map(({ id }) => id), "m1"], null]);
  const edited = after([told(row("m1", "r99", { cid: "x1" }))], many);
  equal(ids(edited), [...rows.slice(0, 100).map(({ id }) => id), "m1"]);
});

test("an acknowledged message that another tab has moved away from is not shown for ever", () => {
  const queued = after([...asked, end("m2", 2), queue, ack]);
  equal(after([state(row("m7", null))], queued).queued, null);
  equal(after([...asked, queue, { ...ack, duplicate: true }]).wants, "open");
});

test("a queued edit hides what it will replace", () => {
  const done = after([state(row("m1", null), row("m2", "m1"), row("m3", "m2"), row("m4", "m3"))]);
  const edited = after([{ ...queue, frame: { ...frame, parent: "m2" } }], done);
  equal(visible(edited).map((/** @type {any} */ { id }) => id), ["m1", "m2"]);
  equal(after([{ type: "error", code: "busy", re: "send", cid: "x1" }], edited).messages, done.messages);
});

test("a refusal gives the text back, but rate and unavailable keep it", () => {
  const queued = after([queue]);
  const refused = after([{ type: "error", code: "too_long", re: "send", cid: "x1" }], queued);
  equal([refused.queued, refused.refusal], [null, { code: "too_long", re: "send", text: "Hello" }]);
  const kept = after([{ type: "error", code: "rate", re: "send", cid: "x1", retry_after: 7 }], queued);
  equal([kept.queued?.waits, kept.refusal], [{ code: "rate", seconds: 7 }, null]);
});

test("an open that is refused as not found: the conversation is gone", () => {
  ok(after([{ type: "error", code: "not_found", re: "open" }]).gone);
  equal(after([{ type: "error", code: "unavailable", re: "open" }, { type: "page:reopen" }]).wants, "open");
});

test("who answers is as the state and the list's entry tell it", () => {
  const answering = (/** @type {any} */ { model, assistant }) => [model, assistant];
  const told = (/** @type {object} */ fields) => ({
    type: "conversation",
    conversation: { id: CONVERSATION, title: "", pinned: false, updated: "1", active: false, ...fields },
  });
  const first = after([state()]);
  equal(answering(first), ["", "chat"]);
  const chosen = after([{ type: "page:choose", chosen: { model: "large" } }], first);
  equal(answering(chosen), ["large", "chat"]);
  const other = after([told({ model: "small", assistant: "plan" })], chosen);
  equal(answering(other), ["small", "plan"]);
  equal(answering(after([told({ id: "another", model: "large" })], other)), ["small", "plan"]);
  equal(answering(after([told({ deleted: true, model: "" })], other)), ["small", "plan"]);
});

test("entries are kept in order, renamed, and removed", () => {
  const entry = (/** @type {string} */ id, /** @type {string} */ updated, more = {}) => ({ id, title: id, pinned: false, updated, active: false, ...more });
  const told = (/** @type {object} */ conversation) => ({ type: "conversation", conversation });
  const list = after([told(entry("a", "1")), told(entry("b", "2")), told(entry("c", "0", { pinned: true }))]);
  equal(list.entries.map((/** @type {any} */ { id }) => id), ["c", "b", "a"]);
  const more = after([told(entry("a", "3")), told(entry("b", "2", { deleted: true }))], list);
  equal(more.entries.map((/** @type {any} */ { id }) => id), ["c", "a"]);
  const shown = after([told(entry(CONVERSATION, "4", { title: "New title" }))]);
  equal([shown.title, shown.gone], ["New title", false]);
  ok(after([told(entry(CONVERSATION, "4", { deleted: true }))]).gone);
});

test("a conversation that was deleted and is restored wants an open", () => {
  const entry = { id: CONVERSATION, title: "Harbour", pinned: false, updated: "1", active: false };
  const deleted = after([...asked, { type: "conversation", conversation: { ...entry, deleted: true } }]);
  equal([deleted.gone, deleted.entries, texts(deleted).length, busy(deleted)], [true, [], 2, true]);
  const back = after([{ type: "conversation", conversation: entry }], deleted);
  equal([back.gone, back.wants, back.entries.length], [false, "open", 1]);
  equal(after([{ type: "conversation", conversation: { ...entry, id: "other" } }], deleted).gone, true);
  equal(after([{ type: "conversation", conversation: entry }]).wants, null, "one that was never away wants nothing");
});

/** @param {string} id @param {string} updated @returns {any} */
const listed = (id, updated, more = {}) => ({ id, title: id, pinned: false, updated, active: false, ...more });

/** @param {any[]} conversations @param {string | null} next @param {any} asked @returns {any} */
const toldList = (conversations, next, asked = null) => ({ type: "page:list", list: { conversations, next }, after: asked });

/** @param {import("/static/chat/js/store.js").State} shown */
const inList = (shown) => shown.entries.map(({ id }) => id).join("");

test("a conversation that was deleted and is in the list wants an open, which says whether it is there", () => {
  const deleted = listed(CONVERSATION, "1", { deleted: true });
  const gone = after([...asked, { type: "conversation", conversation: deleted }]);
  equal(after([toldList([listed("other", "2")], null)], gone).wants, null);
  const back = after([toldList([listed(CONVERSATION, "1")], null)], gone);
  equal([back.gone, back.wants], [true, "open"]);
  equal(after([asked[0]], back).gone, false);
  equal(after([...asked, toldList([listed(CONVERSATION, "1")], null)]).wants, null, "one that was never away wants nothing");
});

test("a page of the list follows those before, and the last says that it is", () => {
  const first = initial({ list: { conversations: [listed("a", "9"), listed("b", "8")], next: "b" } });
  equal([inList(first), first.more?.cursor], ["ab", "b"]);
  const second = after([toldList([listed("c", "7"), listed("d", "6")], "d", first.more?.last)], first);
  equal([inList(second), second.more?.cursor], ["abcd", "d"]);
  const whole = after([toldList([listed("e", "5")], null, second.more?.last)], second);
  equal([inList(whole), whole.more], ["abcde", null]);
});

test("the first page, fetched again, is put into those that were loaded", () => {
  const held = initial({ list: { conversations: "abcdef".split("").map((id, at) => listed(id, String(9 - at))), next: null } });
  // b was deleted elsewhere, d was written in, n is new; what is beyond the page stays.
  const told = after([toldList([listed("n", "99"), listed("d", "98"), listed("a", "9"), listed("c", "7")], "c")], held);
  equal([inList(told), told.more?.cursor], ["ndacef", "c"]);
  const on = after([toldList([listed("f", "4")], null, told.more?.last)], told);
  equal([inList(on), on.more], ["ndacf", null], "e, which is not in its page either, goes");
});

test("the last page alone is all there is", () => {
  const held = initial({ list: { conversations: [listed("a", "9"), listed("b", "8")], next: "b" } });
  equal([inList(after([toldList([listed("b", "8")], null)], held))], ["b"]);
  equal([inList(after([toldList([], null)], held))], [""]);
});

test("a page that was asked for before the list was fetched anew does not say how far it is known", () => {
  const held = initial({ list: { conversations: [listed("a", "9"), listed("b", "8")], next: "b" } });
  const anew = after([toldList([listed("n", "99"), listed("a", "9")], "a")], held);
  equal([inList(anew), anew.more?.cursor], ["nab", "a"]);
  const late = after([toldList([listed("c", "7")], null, held.more?.last)], anew);
  equal([inList(late), late.more?.cursor], ["nabc", "a"]);
});

test("pinned ones come first, also over pages, and those of one moment by their ids", () => {
  const pinned = { pinned: true };
  const first = initial({ list: { conversations: [listed("p", "1", pinned), listed("q", "1", pinned)], next: "q" } });
  const second = after([toldList([listed("r", "0", pinned), listed("b", "9"), listed("c", "9")], "c", first.more?.last)], first);
  equal(inList(second), "pqrbc");
  equal(inList(after([{ type: "conversation", conversation: listed("q", "1") }], second)), "prbcq");
});

test("older messages are prepended as far as they join", () => {
  const shown = after([state(row("m5", "m4"), row("m6", "m5"))]);
  const older = { type: "page:earlier", messages: [row("m1", null), row("m3", "m2"), row("m4", "m3")] };
  equal(ids(after([older], shown)), ["m3", "m4", "m5", "m6"]);
  const strangers = { type: "page:earlier", messages: [row("m2", "m1")] };
  ok(after([strangers], shown).messages === shown.messages);
});

test("what did not change stays the same object", () => {
  const before = after(asked);
  const grown = after([delta("m2", 2, "x")], before);
  ok(before.messages[0] === grown.messages[0] && before.entries === grown.entries);
});
