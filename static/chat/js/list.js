// @ts-check
// The list of conversations: its order, which is the server's, and pages of it put into what is held. Pure.

/** @typedef {import("./protocol.js").Entry} Entry */
/**
 * How far the list is known: up to and with the entry `last`; the server's `cursor` gives what follows.
 * @typedef {{ cursor: string, last: Entry }} Edge
 * @typedef {{ conversations: Entry[], next: string | null }} Page
 */

/** Pinned first, then the latest. @param {Entry} a @param {Entry} b */
function order(a, b) {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  if (a.updated !== b.updated) return a.updated < b.updated ? 1 : -1;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** @param {Entry[]} entries */
export const sorted = (entries) => entries.toSorted(order);

/** How far a page reaches; null is to the end. @param {Page} page @returns {Edge | null} */
export function edge({ conversations, next }) {
  const last = conversations.at(-1);
  return next && last ? { cursor: next, last } : null;
}

/**
 * What is held once a page is put into it. Between where the page begins, after the entry `after` (null: at the top), and
 * where it ends, the page alone is right; what is held beyond stays.
 * @param {Entry[]} held @param {Page} page @param {Entry | null} after
 */
export function merged(held, page, after) {
  const told = new Set(page.conversations.map(({ id }) => id));
  const end = edge(page)?.last;
  const beyond = (/** @type {Entry} */ entry) => (after && order(entry, after) <= 0) || (end && order(entry, end) > 0);
  return sorted([...held.filter((entry) => !told.has(entry.id) && beyond(entry)), ...page.conversations]);
}
