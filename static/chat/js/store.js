// @ts-check
// What the page shows, as one value, and the only way it changes: `reduce(state, event) → state`.
//
// Pure: no DOM, no clock, no chance. An event is a server's frame as it came, or one of the page's own, whose type
// begins with "page:". What did not change stays the same object, so whoever draws compares with `===`.
//
// What must be done about an event is said in the state; whoever feeds the reducer does it and tells it so:
//   wants: "open"    send `open` with what is held, then `page:opened`
//   wants: "resync"  the same, with an empty `have`
// From then until the answering `state`, gaps want nothing more: that `state` closes them.

import { before, held, isFinal, merged, prepended, upTo } from "./branch.js";
import { edge, merged as listed, sorted } from "./list.js";
import { HAVE, KEPT } from "./protocol.js";

/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {import("./protocol.js").Frame} Frame */
/**
 * @typedef {{
 *   conversation: string | null, made: boolean, gone: boolean, title: string,
 *   model: string, assistant: string, choosing: { model?: string, assistant?: string },
 *   messages: Message[], entries: Entry[], more: import("./list.js").Edge | null, current: boolean,
 *   queued: Frame | null, refusal: { code: string, re: string, text: string, seconds?: number } | null,
 *   connection: { status: "connecting" | "open" | "waiting" | "paused" | "ended", delay?: number, code?: number },
 *   wants: "open" | "resync" | null, awaiting: boolean,
 *   tokens: number, left: number,
 * }} State
 * `made`: the server has the conversation. `gone`: it had, and has it no more. `model` and `assistant`: who answers, "" is
 * the site's default. `choosing`: what of it the server may not have heard yet. `more`: how far the list is known, null
 * where all of it is. `current`: whether nothing of the list can have been missed. `queued`: the frame of this conversation
 * that is not yet seen to be accepted; `acked` and `waits` (why, and for how many seconds) are the page's notes on it.
 * `tokens`: what the person may use in a day, `left`: of that, as far as the server has said.
 */

/**
 * @param {{
 *   conversation?: { id: string, title: string, model?: string, assistant?: string } | null,
 *   messages?: any[], list?: import("./list.js").Page,
 * }} page
 * @returns {State}
 */
export function initial({ conversation = null, messages = [], list = { conversations: [], next: null } } = {}) {
  return {
    conversation: conversation?.id ?? null,
    made: conversation !== null,
    gone: false,
    title: conversation?.title ?? "",
    model: conversation?.model ?? "",
    assistant: conversation?.assistant ?? "",
    choosing: {},
    messages: messages.map((row) => /** @type {Message} */ (merged(undefined, { ...row, from: 0 }))),
    entries: sorted(list.conversations),
    more: edge(list),
    current: true,
    queued: null,
    refusal: null,
    connection: { status: "connecting" },
    wants: null,
    awaiting: false,
    tokens: 0,
    left: Infinity,
  };
}

/** @param {State} state @param {Frame} event @returns {State} */
export function reduce(state, event) {
  return Object.hasOwn(RULES, event.type) ? RULES[event.type](state, event) : state;
}

/** The reply that is being written, if any. @param {State} state */
export function active(state) {
  const last = state.messages.at(-1);
  return last && !isFinal(last) ? last : null;
}

/** Nothing new may be asked of this conversation now. @param {State} state */
export const busy = (state) => Boolean(active(state) || state.queued || state.gone);

/** @param {State} state */
export const have = (state) => (state.wants === "resync" ? {} : held(state.messages));

/** The messages to draw: what follows the parent of a queued message waits to be replaced by it. @param {State} state */
export function visible(state) {
  const { queued, messages } = state;
  return queued?.type === "send" ? (upTo(messages, queued.parent) ?? messages) : messages;
}

/** @type {Record<string, (state: State, event: any) => State>} */
const RULES = {
  welcome: (state, frame) => ({
    ...state,
    tokens: frame.limits.tokens ?? 0,
    connection: { status: "open" },
    wants: state.made ? "open" : null,
    awaiting: false,
  }),

  state(state, frame) {
    if ((frame.conversation?.id ?? null) !== state.conversation) return { ...state, awaiting: false };
    const told = frame.messages.map((/** @type {any} */ row) => merged(find(state, row.id), row));
    if (told.includes(null)) return { ...state, wants: "resync", awaiting: false };
    const next = {
      ...state,
      ...facts(state, frame.conversation),
      made: state.made || frame.conversation !== null,
      gone: false,
      messages: [...before(state.messages, told), ...told],
      wants: null,
      awaiting: false,
    };
    return state.queued?.acked ? { ...next, queued: null } : arrived(next, told);
  },

  message(state, frame) {
    if (frame.conversation !== state.conversation) return state;
    const branch = upTo(state.messages, frame.message.parent);
    if (!branch) return need(state, "open");
    const message = merged(find(state, frame.message.id), frame.message);
    if (!message) return need(state, "resync");
    const news = isFinal(message) ? { ...message, live: true } : message;
    const mine = message.role === "user" && message.cid && message.cid === state.queued?.cid;
    // Thousands that were read on the way up would slow what is asked for here; they come again to whoever scrolls there.
    const shown = mine ? branch.slice(-HAVE) : branch;
    return arrived({ ...state, made: true, messages: [...shown, news] }, [news]);
  },

  delta: (state, frame) => grown(state, frame, "text", "length"),
  reasoning: (state, frame) => grown(state, frame, "reasoning", "reasoning_length"),

  step(state, frame) {
    const message = running(state, frame.message);
    if (!message) return state;
    const index = message.steps.findIndex((step) => step.id === frame.step.id);
    return changed(state, message, {
      steps: index < 0 ? [...message.steps, frame.step] : message.steps.with(index, frame.step),
    });
  },

  status(state, frame) {
    const message = running(state, frame.message);
    return message ? changed(state, message, { phase: { phase: frame.phase, n: frame.n } }) : state;
  },

  end(state, frame) {
    const message = running(state, frame.message);
    if (!message) return state;
    const { status, length, reasoning_length, finish_reason, usage, error } = frame;
    const whole = length === message.length && (reasoning_length ?? message.reasoning_length) === message.reasoning_length;
    return whole ? changed(state, message, { status, finish_reason, usage, error, phase: null, live: true }) : need(state, "open");
  },

  ack(state, frame) {
    if (frame.conversation !== state.conversation) return state;
    const { queued } = state;
    const next = { ...state, made: true, left: frame.left?.tokens ?? state.left };
    if (!queued || queued.cid !== frame.cid) return next;
    // Its messages were told before this socket lived, perhaps on a branch that is no longer shown: ask.
    if (frame.duplicate) return need({ ...next, queued: null }, "open");
    return { ...next, queued: { ...queued, acked: true, waits: undefined } };
  },

  error(state, frame) {
    const { queued } = state;
    const { code, re, cid } = frame;
    if (re === "open") return { ...state, awaiting: false, gone: state.gone || code === "not_found" };
    if (queued && queued.cid === cid) {
      if (KEPT.has(code)) return { ...state, queued: { ...queued, waits: { code, seconds: frame.retry_after ?? 1 } } };
      return { ...state, queued: null, refusal: { code, re, text: queued.text ?? "", seconds: frame.retry_after } };
    }
    return !cid && (re === "select" || re === "stop") ? { ...state, refusal: { code, re, text: "" } } : state;
  },

  conversation(state, frame) {
    const { deleted, ...entry } = frame.conversation;
    const others = state.entries.filter((other) => other.id !== entry.id);
    const next = { ...state, entries: deleted ? others : sorted([...others, entry]) };
    if (entry.id !== state.conversation) return next;
    if (deleted) return { ...next, gone: true };
    const shown = { ...next, ...facts(state, entry), gone: false };
    return state.gone ? need(shown, "open") : shown; // It was restored: the socket shows it no more.
  },

  "page:connection": (state, { connection }) => ({
    ...state,
    connection,
    current: state.current && connection.status === "connecting",
  }),
  "page:opened": (state) => ({ ...state, wants: null, awaiting: true }),
  "page:reopen": (state) => need({ ...state, awaiting: false }, "open"),
  "page:queue": (state, { frame, conversation }) => ({
    ...state,
    conversation,
    queued: frame,
    refusal: null,
    choosing: state.made ? state.choosing : {}, // The first message says all of it.
  }),
  "page:refused": (state, { text, code = state.gone ? "not_found" : "busy" }) => ({
    ...state,
    refusal: { code, re: "send", text },
  }),

  "page:list"(state, { list, after }) {
    const follows = !after || after.id === state.more?.last.id;
    const entries = listed(state.entries, list, after);
    const next = { ...state, entries, more: follows ? edge(list) : state.more, current: state.current || !after };
    // It was restored, which no frame has told of: an `open` tells for sure.
    const back = state.gone && list.conversations.some((/** @type {Entry} */ { id }) => id === state.conversation);
    return back ? need(next, "open") : next;
  },

  "page:earlier": (state, { messages }) => ({ ...state, messages: prepended(state.messages, messages) }),
  "page:choose": (state, { chosen }) => ({ ...state, ...chosen, choosing: { ...state.choosing, ...chosen } }),
  "page:chosen": (state) => ({ ...state, choosing: {} }),
  "page:dismiss": (state) => ({ ...state, refusal: null }),
};

/** @param {State} state @param {"open" | "resync"} wants @returns {State} */
const need = (state, wants) => (state.awaiting ? state : { ...state, wants });

/** What is known of the conversation shown, as `told` has it. @param {State} state @param {Partial<Entry> | null} told */
const facts = (state, told) => ({
  title: told?.title ?? state.title,
  model: told?.model ?? state.model,
  assistant: told?.assistant ?? state.assistant,
});

/** @param {State} state @param {string} id */
const find = (state, id) => state.messages.find((message) => message.id === id);

/** @param {State} state @param {string} id */
function running(state, id) {
  const message = find(state, id);
  return message && !isFinal(message) ? message : null;
}

/** @param {State} state @param {Message} message @param {Partial<Message>} fields @returns {State} */
function changed(state, message, fields) {
  return { ...state, messages: state.messages.with(state.messages.indexOf(message), { ...message, ...fields }) };
}

/** @param {State} state @param {Frame} frame @param {"text" | "reasoning"} text @param {"length" | "reasoning_length"} length */
function grown(state, frame, text, length) {
  const message = running(state, frame.message);
  if (!message || frame.from < message[length]) return state;
  if (frame.from > message[length]) return need(state, "open");
  return changed(state, message, { [text]: message[text] + frame.text, [length]: frame.to, phase: null });
}

/** A row with the queued frame's `cid` is that frame, accepted. @param {State} state @param {Message[]} rows @returns {State} */
function arrived(state, rows) {
  return rows.some((row) => row.cid && row.cid === state.queued?.cid) ? { ...state, queued: null } : state;
}
