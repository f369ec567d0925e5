// @ts-check
import { Client } from "/static/chat/js/client.js";
import { Outbox } from "/static/chat/js/outbox.js";
import { memory } from "/static/chat/js/storage.js";
import { initial } from "/static/chat/js/store.js";
import { equal, ok, test } from "./harness.js";
import { CONVERSATION, delta, end, row, state } from "./rows.js";
import { FakeWorld, WELCOME } from "./world.js";

const HELD = [row("m1", null, { text: "Hi" }), row("m2", "m1", { text: "Hello" })];

/** @param {{ messages?: any[], made?: boolean, user?: string, guest?: boolean, box?: Storage, welcome?: boolean }} how */
function page({ messages = HELD, made = true, user = "u1", guest = false, box = memory(), welcome = true } = {}) {
  const world = new FakeWorld();
  const told = { reloads: 0, reasons: new Set(), returned: /** @type {(string | null)[][]} */ ([]) };
  const conversation = made ? { id: CONVERSATION, title: "" } : null;
  const start = initial({ conversation, messages: made ? messages : [] });
  const client = new Client(
    { url: "ws://here/", user, guest, protocol: 1, state: start, outbox: new Outbox(user, box) },
    {
      changed: () => {},
      connected: () => {},
      reload: (reason) => !told.reasons.has(reason) && Boolean(told.reasons.add(reason) && (told.reloads += 1)),
      returned: (...letter) => told.returned.push(letter),
    },
    world,
  );
  client.connect();
  if (welcome) world.socket.say(WELCOME);
  return { client, world, told, box };
}

/** @param {FakeWorld} world */
function reconnect(world) {
  world.socket.drop();
  world.pass(3_000);
  world.socket.say(WELCOME);
}

/** @param {any} frame @param {object} fields */
const ack = ({ cid }, fields = {}) => ({ type: "ack", cid, duplicate: false, conversation: CONVERSATION, message: "m3", reply: "m4", ...fields });

test("each connect opens with what is held", () => {
  const { world } = page();
  equal(world.socket.heard, [{ type: "open", conversation: CONVERSATION, have: { m1: 2, m2: 5 } }]);
  reconnect(world);
  equal(world.socket.types, ["open"]);
});

test("a new chat is not opened; its first send names a conversation and no parent", () => {
  const { client, world } = page({ made: false });
  client.send("Hello");
  const [frame] = world.socket.heard;
  equal([frame.type, frame.text, frame.parent], ["send", "Hello", null]);
  ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(frame.conversation));
  equal(client.state.conversation, frame.conversation);
});

test("a new chat that was made, and deleted elsewhere before its page knew, is made as another", () => {
  const { client, world } = page({ made: false });
  client.send("Hello");
  const [{ cid, conversation }] = world.socket.heard;
  world.socket.say({ type: "error", code: "not_found", detail: "", re: "send", cid, conversation });
  client.send("Hello");
  ok(world.socket.heard[1].conversation !== conversation);
  equal(client.state.conversation, world.socket.heard[1].conversation);
});

test("a new chat tells whom it has chosen, as far as that is not the default", () => {
  const { client, world } = page({ made: false });
  client.dispatch({ type: "page:choose", chosen: { model: "large" } });
  client.send("Hello");
  const [frame] = world.socket.heard;
  equal([frame.model, "assistant" in frame], ["large", false]);
});

test("a choice that is on its way goes with the message, and one that has arrived does not", () => {
  const { client, world } = page();
  client.dispatch({ type: "page:choose", chosen: { model: "large" } });
  client.dispatch({ type: "page:choose", chosen: { assistant: "plan" } });
  client.send("And then?");
  equal([world.socket.heard[1].model, world.socket.heard[1].assistant], ["large", "plan"]);
  const other = page();
  other.client.dispatch({ type: "page:choose", chosen: { model: "large" } });
  other.client.dispatch({ type: "page:chosen" });
  other.client.send("And then?");
  equal("model" in other.world.socket.heard[1], false);
});

test("a reply is written anew by the conversation's model, or by another", () => {
  for (const model of [undefined, "", "large"]) {
    const { client, world } = page();
    client.regenerate("m2", model);
    equal(world.socket.heard[1].model, model);
  }
});

test("a send follows the last reply", () => {
  const { client, world } = page();
  client.send("And then?");
  equal(world.socket.heard.at(-1).parent, "m2");
});

test("what is not acknowledged is sent again after a reconnect, after the open, with the same cid", () => {
  const { client, world } = page();
  client.send("And then?");
  const sent = world.socket.heard.at(-1);
  reconnect(world);
  equal(world.socket.types, ["open", "send"]);
  equal(world.socket.heard.at(-1), sent);
  world.socket.say(ack(sent));
  reconnect(world);
  equal(world.socket.types, ["open"]);
});

test("what is queued offline is sent on connecting, also by the tab's next page", () => {
  const { client, world, box } = page({ welcome: false });
  client.send("And then?");
  equal(world.socket.heard, []);
  const next = page({ box });
  equal(next.world.socket.types, ["open", "send"]);
  equal(next.client.state.queued?.text, "And then?");
});

test("what the page was made with is in the outbox no more, whether or not the socket comes", () => {
  const { client, world, box } = page({ welcome: false });
  client.send("And then?");
  const [{ frame }] = JSON.parse(box.getItem("chat:outbox:u1") ?? "[]");
  equal(world.socket.heard, []);
  const taken = [...HELD, row("m3", "m2", { text: "And then?", cid: frame.cid }), row("m4", "m3", { text: "So." })];
  const next = page({ box, messages: taken, welcome: false });
  equal(next.client.state.queued, null);
  next.world.socket.say(WELCOME);
  equal(next.world.socket.types, ["open"]);
});

test("an outbox is never sent as another user", () => {
  const { client, box } = page({ welcome: false });
  client.send("And then?");
  const next = page({ box, user: "u2", welcome: false });
  next.world.socket.say({ ...WELCOME, user: { id: "u2", guest: false } });
  equal(next.world.socket.types, ["open"]);
});

test("one frame at a time: nothing more is queued while one waits or a reply is active", () => {
  const { client, world } = page();
  client.send("One");
  client.send("Two");
  client.regenerate("m2");
  equal(world.socket.types, ["open", "send"]);
  equal(client.state.refusal, { code: "busy", re: "send", text: "Two" });
});

test("a row with its cid is as good as an ack", () => {
  const { client, world } = page();
  client.send("And then?");
  const { cid } = world.socket.heard.at(-1);
  reconnect(world);
  world.socket.say(state(...HELD, row("m3", "m2", { text: "And then?", cid }), row("m4", "m3", { status: "running" })));
  equal(client.state.queued, null);
  reconnect(world);
  equal(world.socket.types, ["open"]);
});

test("rate: the same frame again after retry_after", () => {
  const { client, world } = page();
  client.send("And then?");
  const sent = world.socket.heard.at(-1);
  world.socket.say({ type: "error", code: "rate", detail: "", re: "send", cid: sent.cid, retry_after: 7 });
  world.pass(6_900);
  equal(world.socket.types, ["open", "send"]);
  world.pass(200);
  equal(world.socket.heard.at(-1), sent);
});

test("busy: the text goes back, and the frame is not sent again", () => {
  const { client, world } = page();
  client.send("And then?");
  const { cid } = world.socket.heard.at(-1);
  world.socket.say({ type: "error", code: "busy", detail: "", re: "send", cid });
  equal(client.state.refusal?.text, "And then?");
  reconnect(world);
  equal(world.socket.types, ["open"]);
});

test("a gap asks for the state, once", () => {
  const { world } = page({ messages: [HELD[0], row("m2", "m1", { text: "He", status: "running" })] });
  world.socket.say(state(HELD[0], row("m2", "m1", { from: 2, status: "running" })));
  world.socket.say(delta("m2", 9, "x"));
  world.socket.say(delta("m2", 10, "x"));
  equal(world.socket.heard.slice(1), [{ type: "open", conversation: CONVERSATION, have: { m1: 2, m2: 2 } }]);
  world.socket.say(state(HELD[0], row("m2", "m1", { from: 7, text: "abcd", status: "running" })));
  equal(world.socket.heard.at(-1), { type: "open", conversation: CONVERSATION, have: {} });
});

test("seen: a second after a delta, and after 16,384 code points at once", () => {
  const { world } = page({ messages: [HELD[0], row("m2", "m1", { status: "running" })] });
  world.socket.say(state(HELD[0], row("m2", "m1", { status: "running" })));
  world.socket.say(delta("m2", 0, "abc"));
  world.pass(900);
  world.socket.say(delta("m2", 3, "def"));
  equal(world.socket.types, ["open"]);
  world.pass(100);
  equal(world.socket.heard.at(-1), { type: "seen", message: "m2", offset: 6, reasoning: 0 });
  world.socket.say(delta("m2", 6, "x".repeat(16_384)));
  equal(world.socket.heard.at(-1), { type: "seen", message: "m2", offset: 16_390, reasoning: 0 });
  world.socket.say(delta("m2", 16_390, "y"));
  world.socket.say(end("m2", 16_391));
  world.pass(2_000);
  equal(world.socket.types, ["open", "seen", "seen"]);
});

test("a stop that a dead connection swallowed is said again", () => {
  const writing = row("m2", "m1", { text: "He", status: "running" });
  const { client, world } = page({ messages: [HELD[0], writing] });
  client.stop();
  reconnect(world);
  world.socket.say(state(HELD[0], { ...writing, from: 2, text: "" }));
  equal(world.socket.heard.at(-1), { type: "stop", message: "m2" });
});

test("a stop that could not be stored is said again", () => {
  const writing = row("m2", "m1", { text: "He", status: "running" });
  const { client, world } = page({ messages: [HELD[0], writing] });
  client.stop();
  world.socket.say({ type: "error", code: "unavailable", detail: "", re: "stop", message: "m2", retry_after: 2 });
  world.pass(2_000);
  world.socket.say(state(HELD[0], { ...writing, from: 2, text: "" }));
  equal(world.socket.types, ["open", "stop", "open", "stop"]);
});

test("a letter to another conversation is delivered, then the page's own is opened again", () => {
  const { client, box } = page({ welcome: false });
  client.send("And then?");
  const world = new FakeWorld();
  const start = initial({ conversation: { id: "other", title: "" } });
  const page2 = { changed() {}, connected() {}, reload: () => false, returned() {} };
  new Client({ url: "", user: "u1", guest: false, protocol: 1, state: start, outbox: new Outbox("u1", box) }, page2, world).connect();
  world.socket.say(WELCOME);
  equal(world.socket.types, ["open", "send"]);
  world.socket.say(ack(world.socket.heard[1]));
  equal(world.socket.heard.at(-1), { type: "open", conversation: "other", have: {} });
});

test("a letter to another conversation, delivered late, does not take a new chat's socket from its first message", () => {
  const { client, box } = page({ welcome: false });
  client.send("And then?");
  const fresh = page({ box, made: false });
  fresh.client.send("Hello");
  const [letter, first] = fresh.world.socket.heard;
  fresh.world.socket.say(ack(letter));
  fresh.world.socket.say(ack(first, { conversation: first.conversation }));
  equal([fresh.world.socket.types, fresh.client.state.made], [["send", "send"], true]);
});

test("a new chat that was loaded again goes on with its letter, and with none it is a new chat", () => {
  const [first, box] = [page({ made: false, welcome: false }), memory()];
  first.client.send("Hello");
  const { conversation: unmade } = first.client.state;
  const about = { url: "", user: "u1", guest: false, protocol: 1, state: initial(), unmade };
  const hands = { changed() {}, connected() {}, reload: () => false, returned() {} };
  const again = new Client({ ...about, outbox: new Outbox("u1", first.box) }, hands, new FakeWorld());
  equal([again.state.conversation, again.state.made, again.state.queued?.text], [unmade, false, "Hello"]);
  const another = new Client({ ...about, outbox: new Outbox("u1", box) }, hands, new FakeWorld());
  equal([another.state.conversation, another.state.queued], [null, null]);
});

test("a refused letter to another conversation goes back there, if that is still there", () => {
  for (const [code, place] of [["busy", CONVERSATION], ["not_found", null]]) {
    const { client, box } = page({ welcome: false });
    client.send("And then?");
    const other = page({ box, made: false });
    const { cid } = other.world.socket.heard.at(-1);
    other.world.socket.say({ type: "error", code, detail: "", re: "send", cid });
    equal(other.told.returned, [[place, "And then?"]]);
    equal(other.world.socket.heard.at(-1), { type: "open", conversation: null, have: {} });
  }
});

test("another version or user, or a guest no more: nothing is sent, the page is loaded again, once", () => {
  for (const wrong of [{ v: 2 }, { user: { id: "u2", guest: false } }, { user: { id: "u1", guest: true } }]) {
    const { client, world, told } = page({ welcome: false });
    world.socket.say({ ...WELCOME, ...wrong });
    equal([world.socket.heard, told.reloads], [[], 1]);
    client.connect();
    world.socket.say({ ...WELCOME, ...wrong });
    // A page of another version is not signed out.
    equal(client.state.connection, { status: "ended", code: wrong.v ? 4400 : 4401 });
  }
});

test("4401: the page is loaded again", () => {
  const { world, told } = page();
  world.socket.drop(4401);
  equal(told.reloads, 1);
});

test("a guest whom the server made meanwhile is another reason to load the page again than a session that ended", () => {
  const reasons = new Set();
  for (const meet of [(/** @type {any} */ socket) => socket.drop(4401), (/** @type {any} */ socket) => socket.say({ ...WELCOME, user: { id: "g2", guest: true } })]) {
    const { world, told } = page({ user: "g1", guest: true, welcome: false });
    meet(world.socket);
    told.reasons.forEach((reason) => reasons.add(reason));
  }
  equal(reasons.size, 2);
});

test("1000: somebody signed in; the tab comes again and says nothing before it is welcomed", () => {
  const { client, world, told } = page({ guest: true, welcome: false });
  world.socket.say({ ...WELCOME, user: { id: "u1", guest: true } });
  client.send("And then?");
  world.socket.say({ type: "bye", code: 1000, detail: "" });
  world.socket.drop(1000);
  world.pass(3_000);
  equal([world.sockets.length, told.reloads, world.socket.heard], [2, 0, []]);
  world.socket.say({ ...WELCOME, user: { id: "u1", guest: false } });
  equal([world.socket.heard, told.reloads], [[], 1]);
});
