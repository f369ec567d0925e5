// @ts-check
// The frames that no `ack` has come for, kept over reloads and navigation of the tab. An outbox is one user's: another
// who signs in in the same tab has another.

/** @typedef {import("./protocol.js").Frame} Frame */
/** @typedef {{ conversation: string, frame: Frame }} Letter */

export class Outbox {
  /** @type {Letter[]} */ #letters = [];
  #storage;
  #key;
  /** @type {string | null} what this page knows to be kept */ #known;

  /** @param {string} user @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} storage */
  constructor(user, storage) {
    this.#storage = storage;
    this.#key = `chat:outbox:${user}`;
    this.#known = storage.getItem(this.#key);
    try {
      this.#letters = JSON.parse(this.#known ?? "[]");
    } catch {
      this.empty();
    }
  }

  /** Whether another page of the tab has changed it since: this one, which comes back, does not know these letters. */
  get isForeign() {
    return this.#storage.getItem(this.#key) !== this.#known;
  }

  /** @param {string} conversation @param {Frame} frame */
  add(conversation, frame) {
    this.#letters.push({ conversation, frame });
    this.#keep();
  }

  /** @param {string | undefined} cid @returns {Letter | undefined} the one that was there */
  remove(cid) {
    const letter = this.#letters.find(({ frame }) => frame.cid === cid);
    if (!letter) return undefined;
    this.#letters = this.#letters.filter((other) => other !== letter);
    this.#keep();
    return letter;
  }

  /** The oldest frame of each conversation: the others wait for its reply to end. */
  heads() {
    return this.#letters.filter(
      ({ conversation }, index) => this.#letters.findIndex((other) => other.conversation === conversation) === index,
    );
  }

  /** Takes everything out of it. */
  empty() {
    const letters = this.#letters;
    this.#letters = [];
    this.#storage.removeItem(this.#key);
    this.#known = null;
    return letters;
  }

  #keep() {
    const letters = JSON.stringify(this.#letters);
    try {
      this.#storage.setItem(this.#key, letters);
      this.#known = letters;
    } catch {
      // A full storage costs the memory over a reload, not the sending.
    }
  }
}
