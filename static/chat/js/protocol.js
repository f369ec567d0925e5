// @ts-check
// The words of the socket: the frames that the page sends, and the codes and times that it must know. Nothing here acts.

/**
 * A message as the page holds it: the server's, less `from`, with the whole of its text. The two lengths are the
 * server's cursors; the page echoes them and never counts, for JavaScript counts differently.
 * @typedef {{
 *   id: string, seq: number, parent: string | null, role: "user" | "assistant", status: string,
 *   text: string, length: number, reasoning: string, reasoning_length: number, kept?: number,
 *   model?: string, assistant?: string, created?: string, cid?: string, finish_reason?: string,
 *   usage?: { prompt_tokens: number, completion_tokens: number, estimated?: boolean },
 *   error?: Problem, siblings: string[], steps: Step[], phase?: { phase: string, n?: number } | null,
 *   live?: boolean,
 * }} Message
 * `live`: it ended, or came, while this page was there.
 * @typedef {{ code: string, detail: string, retryable?: boolean }} Problem
 * @typedef {{ id: string, name: string, status: string, label: string, started?: string, ms?: number, detail?: string }} Step
 * @typedef {{ id: string, title: string, model: string, assistant: string, pinned: boolean, updated: string, active: boolean }} Entry
 * @typedef {{ type: string, [field: string]: any }} Frame
 */

/** Statuses that a reply never leaves. */
export const FINAL = new Set(["done", "stopped", "interrupted", "error"]);

/** Refusals after which the same frame is sent again; after any other the text goes back to its writer. */
export const KEPT = new Set(["rate", "unavailable"]);

/** Close codes that call for something else than connecting again. */
export const CLOSE = { protocol: 4400, session: 4401, origin: 4403 };

/** `open` may name at most so many messages. */
export const HAVE = 100;

/** Code points after which, and milliseconds after a delta until which, the page says how far it has read. */
export const SEEN = { step: 16_384, within: 1_000 };

/** Milliseconds that the server has for a `welcome` or a `pong`. */
export const PATIENCE = 10_000;

/** Milliseconds between two attempts to connect. */
export const BACKOFF = { least: 500, most: 15_000 };

/** @param {string | null} conversation @param {Record<string, number>} have */
export const open = (conversation, have) => ({ type: "open", conversation, have });

/** @param {{ cid: string, conversation: string, text: string, parent: string | null, model?: string, assistant?: string }} fields */
export const send = (fields) => ({ type: "send", ...fields });

/** @param {string} cid @param {string} message @param {string} [model] */
export const regenerate = (cid, message, model) => ({ type: "regenerate", cid, message, model });

/** @param {string} cid @param {string} message */
export const proceed = (cid, message) => ({ type: "continue", cid, message });

/** @param {string} message */
export const select = (message) => ({ type: "select", message });

/** @param {string} message */
export const stop = (message) => ({ type: "stop", message });

/** @param {string} message @param {number} offset @param {number} reasoning */
export const seen = (message, offset, reasoning) => ({ type: "seen", message, offset, reasoning });

/** @param {number} n */
export const ping = (n) => ({ type: "ping", n });
