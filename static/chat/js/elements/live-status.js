// @ts-check
// <live-status>: the one voice of the page. The thread itself is silent, for a reply that is read out token by token
// cannot be followed; this says that a reply began and then what it said: at its end, paragraph by paragraph, or not at
// all, as the person likes it. The tab's title tells of it when hidden.

import { part, write } from "./parts.js";
import { paragraphsEnd } from "../spoken.js";
import { active } from "../store.js";
import * as words from "../words.js";

const SPOKEN = 500;

export class LiveStatus extends HTMLElement {
  /** @type {string | null} the last reply that was told of */ #reply = null;
  #over = true;
  #spoken = 0;
  #drawn = false;
  #unread = false;
  /** Why a question waits, as it was told. */ #held = "";

  /** @param {import("../store.js").State} state */
  render(state) {
    const reply = active(state);
    const last = state.messages.at(-1);
    if (reply && reply.id !== this.#reply) {
      this.#follow(reply.id);
      this.#spoken = reply.kept || !this.#drawn ? paragraphsEnd(reply.text, 0) : 0; // What is known is not told again.
      this.#say(words.BEGAN);
    } else if (reply && this.dataset.announce === "blocks") {
      const end = paragraphsEnd(reply.text, this.#spoken);
      if (end > this.#spoken) this.#say(reply.text.slice(this.#spoken, end).trim());
      this.#spoken = end;
    } else if (!reply) {
      // One that is quick, or refused at once, may be over before it was drawn.
      if (last?.live && last.role === "assistant" && last.id !== this.#reply) this.#follow(last.id);
      if (!this.#over) this.#end(state.messages.find(({ id }) => id === this.#reply));
    }
    this.#hold(state);
    this.#drawn = true;
    this.#entitle(state.title);
  }

  /** Of a question that waits, once, not as its seconds are counted. @param {import("../store.js").State} state */
  #hold({ queued, connection: { status } }) {
    const online = status === "open";
    const held = queued && (queued.waits || !online) ? words.queued(queued, online, 0) : "";
    if (held && held !== this.#held) this.tell(held);
    this.#held = held;
  }

  /** @param {string} id */
  #follow(id) {
    this.#reply = id;
    this.#over = false;
    this.#spoken = 0;
  }

  /** @param {import("../protocol.js").Message | undefined} message */
  #end(message) {
    this.#over = true;
    this.#unread = document.hidden;
    // An error is an alert already.
    if (message && message.status !== "error") this.#say(`${this.#rest(message)} ${words.ending(message)}`.trim());
  }

  /** Says what a person asked for, whatever they want to hear of replies. @param {string} text */
  tell(text) {
    write(part(this, "status"), text);
  }

  /** What is still to be said of a finished reply. @param {import("../protocol.js").Message} message */
  #rest({ text }) {
    return this.dataset.announce === "blocks" ? text.slice(this.#spoken).trim() : text.slice(0, SPOKEN);
  }

  /** @param {string} title */
  #entitle(title) {
    if (!document.hidden) this.#unread = false;
    const site = this.dataset.site ?? "";
    const name = title ? `${title} · ${site}` : site;
    const full = this.#unread ? `● ${name}` : name;
    if (document.title !== full) document.title = full;
  }

  /** @param {string} text */
  #say(text) {
    if (this.dataset.announce !== "nothing") write(part(this, "status"), text);
  }
}
