// @ts-check
// What the page asks over HTTP: the list of conversations, older messages, and changes to a conversation.

/** Stands in an address for a conversation that is not known yet. */
export const NIL = "00000000-0000-0000-0000-000000000000";

/** The server answered, and not as it was asked. */
export class Refusal extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export class Http {
  #list;
  #conversation;
  #theme;
  #token;

  /** @param {{ list: string, conversation: string, theme: string, token: string }} about `conversation`: its address with the nil UUID */
  constructor({ list, conversation, theme, token }) {
    this.#list = list;
    this.#conversation = conversation;
    this.#theme = theme;
    this.#token = token;
  }

  /** @param {string} conversation */
  address(conversation) {
    return this.#conversation.replace(NIL, conversation);
  }

  /** A page of the list: the first, or the one after a cursor. @param {string} [before] @returns {Promise<import("./list.js").Page>} */
  async list(before) {
    return (await ask(before ? `${this.#list}?${new URLSearchParams({ before })}` : this.#list)).json();
  }

  /** @param {string} conversation @param {number} seq */
  async earlier(conversation, seq) {
    return (await ask(`${this.address(conversation)}messages/?before=${seq}`)).json();
  }

  /** @param {string} conversation @param {{ title?: string, pinned?: boolean, model?: string, assistant?: string }} fields */
  change(conversation, fields) {
    return this.#tell("PATCH", `${conversation}/`, JSON.stringify(fields));
  }

  /** @param {string} conversation */
  delete(conversation) {
    return this.#tell("DELETE", `${conversation}/`);
  }

  /** @param {string} conversation */
  restore(conversation) {
    return this.#tell("POST", `${conversation}/restore/`);
  }

  /** @param {string} theme "light", "dark", or "" for the device's */
  theme(theme) {
    return this.#ask("POST", this.#theme, new URLSearchParams({ theme }));
  }

  /** @param {string} method @param {string} path below the list's @param {string} [body] JSON */
  #tell(method, path, body) {
    return this.#ask(method, this.#list + path, body);
  }

  /** @param {string} method @param {string} url @param {string | URLSearchParams} [body] */
  #ask(method, url, body) {
    return ask(url, { method, body, headers: { "X-CSRFToken": this.#token } });
  }
}

/** @param {string} url @param {RequestInit} how */
async function ask(url, how = {}) {
  const answer = await fetch(url, how);
  if (!answer.ok) throw new Refusal(`${how.method ?? "GET"} ${url}: ${answer.status}`, answer.status);
  return answer;
}
