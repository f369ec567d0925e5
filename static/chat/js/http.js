// @ts-check
// What the page asks over HTTP: the list of conversations, older messages, and changes to a conversation.

const NIL = "00000000-0000-0000-0000-000000000000";

export class Http {
  #list;
  #conversation;
  #token;

  /** @param {{ list: string, conversation: string, token: string }} about `conversation`: its address with the nil UUID */
  constructor({ list, conversation, token }) {
    this.#list = list;
    this.#conversation = conversation;
    this.#token = token;
  }

  /** @param {string} conversation */
  address(conversation) {
    return this.#conversation.replace(NIL, conversation);
  }

  async list() {
    return (await ask(this.#list)).json();
  }

  /** @param {string} conversation @param {number} seq */
  async earlier(conversation, seq) {
    return (await ask(`${this.address(conversation)}messages/?before=${seq}`)).json();
  }

  /** @param {string} conversation @param {string} title */
  async rename(conversation, title) {
    await this.#post(`${this.address(conversation)}rename/`, new URLSearchParams({ title }));
  }

  /** @param {string} conversation @param {Record<string, string>} chosen `model`, `assistant`, or both */
  async choose(conversation, chosen) {
    await this.#post(`${this.address(conversation)}choose/`, new URLSearchParams(chosen));
  }

  /** @param {string} conversation */
  async delete(conversation) {
    await this.#post(`${this.address(conversation)}delete/`, new URLSearchParams());
  }

  /** @param {string} url @param {URLSearchParams} body */
  #post(url, body) {
    return ask(url, { method: "POST", body, headers: { "X-CSRFToken": this.#token } });
  }
}

/** @param {string} url @param {RequestInit} how */
async function ask(url, how = {}) {
  const answer = await fetch(url, { credentials: "same-origin", ...how });
  if (!answer.ok) throw new Error(`${how.method ?? "GET"} ${url}: ${answer.status}`);
  return answer;
}
