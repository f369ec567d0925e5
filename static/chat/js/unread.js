// @ts-check
// Where a reply ended while nobody looked, as this browser knows it. Kept for one user, and shared by their tabs.

/** @typedef {import("./protocol.js").Entry} Entry */

/** So many are remembered: of more, the oldest are taken for read. */
const KEPT = 200;

export class Unread {
  #storage;
  #key;

  /** @param {string} user @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(user, storage) {
    this.#storage = storage;
    this.#key = `chat:unread:${user}`;
  }

  /**
   * Takes in how the list is now: a reply that was being written and is not any more has ended.
   * @param {Entry[]} entries @param {string | null} looked the conversation that is before the reader's eyes
   * @returns {Set<string>} the conversations to mark
   */
  look(entries, looked) {
    const known = this.#storage.getItem(this.#key) ?? "{}";
    /** @type {{ writing?: string[], unread?: string[] }} */
    const { writing = [], unread = [] } = JSON.parse(known);
    const [active, marks] = [new Set(writing), new Set(unread)];
    for (const entry of entries) {
      if (entry.active) active.add(entry.id);
      else if (active.delete(entry.id)) marks.add(entry.id);
    }
    if (looked) marks.delete(looked);
    this.#keep(known, { writing: [...active].slice(-KEPT), unread: [...marks].slice(-KEPT) });
    return marks;
  }

  /** @param {string} known @param {object} now */
  #keep(known, now) {
    const text = JSON.stringify(now);
    if (text === known) return;
    try {
      this.#storage.setItem(this.#key, text);
    } catch {
      // A full storage costs the marks.
    }
  }
}
