// @ts-check
// The list of conversations in sections by the reader's own days, as the server's `chat/views/sections.py` has them. Pure.

/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {{ key: string, entries: Entry[] }} Section `key`: pinned, today, yesterday, week, or a month as 2026-10 */

/** @param {Entry[]} entries in the list's order @param {Date} now @returns {Section[]} */
export function sections(entries, now) {
  /** @type {Section[]} */
  const found = [];
  for (const entry of entries) {
    const key = entry.pinned ? "pinned" : age(new Date(entry.updated), now);
    const last = found.at(-1);
    if (last?.key === key) last.entries.push(entry);
    else found.push({ key, entries: [entry] });
  }
  return found;
}

/** Milliseconds until another day begins. @param {Date} now */
export const untilMidnight = (now) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();

/** @param {Date} moment @param {Date} now */
function age(moment, now) {
  const ago = day(now) - day(moment);
  if (ago <= 1) return ago === 1 ? "yesterday" : "today";
  return ago <= 7 ? "week" : `${moment.getFullYear()}-${String(moment.getMonth() + 1).padStart(2, "0")}`;
}

/** The number of a moment's day where the reader is: of days, whatever hours they have. @param {Date} moment */
const day = (moment) => Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate()) / 86_400_000;
