// @ts-check
// The shown branch: a list of messages, oldest first, each the child of the one before it. Pure functions over it.

import { FINAL, HAVE } from "./protocol.js";

/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./protocol.js").Frame} Frame */

/** @param {Message} message */
export const isFinal = (message) => FINAL.has(message.status);

/**
 * The message that the server's row makes of the one held, or null where the text between the two is missing.
 * @param {Message | undefined} held @param {any} row @returns {Message | null}
 */
export function merged(held, row) {
  const { from, ...message } = row;
  if (from > 0 && held?.length !== from) return null;
  return {
    ...message,
    text: from > 0 && held ? held.text + row.text : row.text,
    reasoning: row.reasoning ?? "",
    reasoning_length: row.reasoning_length ?? 0,
    steps: row.steps ?? [],
    siblings: row.siblings ?? [row.id],
  };
}

/**
 * The part of the branch that stays before a `state`: up to the parent of its first message, and back to any message
 * that is not final, for the server has not said how that one went on.
 * @param {Message[]} branch @param {Message[]} told
 */
export function before(branch, told) {
  const end = told.length ? branch.findIndex((message) => message.id === told[0].parent) + 1 : 0;
  let start = end;
  while (start > 0 && isFinal(branch[start - 1])) start -= 1;
  return branch.slice(start, end);
}

/**
 * The part of the branch up to a message, or null where that message is not shown. `null` is before the first one.
 * @param {Message[]} branch @param {string | null} id
 */
export function upTo(branch, id) {
  if (id === null) return [];
  const index = branch.findIndex((message) => message.id === id);
  return index < 0 ? null : branch.slice(0, index + 1);
}

/**
 * Older messages, as far as they join the branch by `parent`.
 * @param {Message[]} branch @param {any[]} rows oldest first
 */
export function prepended(branch, rows) {
  const older = [];
  let parent = branch[0]?.parent;
  for (const row of rows.toReversed()) {
    const message = merged(undefined, row);
    if (!message || message.id !== parent || !isFinal(message)) break;
    older.unshift(message);
    parent = message.parent;
  }
  return older.length ? [...older, ...branch] : branch;
}

/** What the page holds from its first character, for `open`. @param {Message[]} branch */
export function held(branch) {
  return Object.fromEntries(branch.slice(-HAVE).map((message) => [message.id, message.length]));
}
