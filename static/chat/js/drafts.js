// @ts-check
// What was written and not sent: one text for each conversation, one for a new one, and one for each question that is
// being edited (`edit:` and its id). As an outbox, drafts are one user's.

/** The name of the conversation that is still to be made. */
export const NEW = "new";

export class Drafts {
  #storage;
  #user;
  /** @type {Map<string, string>} what this page knows to be kept */ #known = new Map();

  /** @param {string} user @param {Storage} storage */
  constructor(user, storage) {
    this.#user = user;
    this.#storage = storage;
  }

  /** @param {string} conversation */
  read(conversation) {
    const text = this.#kept(conversation);
    this.#known.set(conversation, text);
    return text;
  }

  /** Whether another page of the tab has changed what this one knows. */
  get isForeign() {
    return [...this.#known].some(([conversation, text]) => text !== this.#kept(conversation));
  }

  /** @param {string} conversation @param {string} text */
  keep(conversation, text) {
    if (text === this.#known.get(conversation)) return; // What another page has kept since is newer.
    try {
      if (text) this.#storage.setItem(this.#key(conversation), text);
      else this.#storage.removeItem(this.#key(conversation));
      this.#known.set(conversation, text);
    } catch {
      // A full storage costs the memory over a reload.
    }
  }

  /** What there is a draft of. */
  written() {
    const prefix = this.#key("");
    const keys = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index) ?? "");
    return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  /** Puts a text before what has been written since. @param {string} conversation @param {string} text */
  giveBack(conversation, text) {
    const later = this.read(conversation);
    this.keep(conversation, later.trim() ? `${text}\n\n${later}` : text);
  }

  /**
   * Takes over what a guest, who has signed in as this user, had not sent: their conversations are this user's now. What
   * waited in their outbox is never sent as another, so it becomes a draft too: of its conversation where the list has it.
   * @param {Drafts} guests @param {import("./outbox.js").Letter[]} letters @param {string[]} conversations that are listed
   */
  adopt(guests, letters, conversations) {
    for (const conversation of guests.written()) {
      this.giveBack(conversation, guests.read(conversation));
      guests.keep(conversation, "");
    }
    for (const { conversation, frame } of letters.toReversed()) {
      if (frame.text) this.giveBack(conversations.includes(conversation) ? conversation : NEW, frame.text);
    }
  }

  /** @param {string} conversation */
  #kept(conversation) {
    return this.#storage.getItem(this.#key(conversation)) ?? "";
  }

  /** @param {string} conversation */
  #key(conversation) {
    return `chat:draft:${this.#user}:${conversation}`;
  }
}
