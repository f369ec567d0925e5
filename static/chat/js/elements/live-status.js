// @ts-check
// <live-status>: the one voice of the page. The thread itself is silent, for a reply that is read out token by token
// cannot be followed; this says that a reply began and then what it said. The tab's title tells of it when hidden.

import { part, write } from "./parts.js";
import { active } from "../store.js";
import * as words from "../words.js";

const SPOKEN = 500;

export class LiveStatus extends HTMLElement {
  /** @type {string | null} */ #following = null;
  #unread = false;

  /** @param {import("../store.js").State} state */
  render(state) {
    const reply = active(state);
    if (reply && reply.id !== this.#following) {
      this.#following = reply.id;
      this.#say(words.BEGAN);
    } else if (!reply && this.#following) {
      const message = state.messages.find(({ id }) => id === this.#following);
      this.#following = null;
      this.#unread = document.hidden;
      // An error is an alert already.
      if (message && message.status !== "error") this.#say(`${message.text.slice(0, SPOKEN)} ${words.ending(message)}`.trim());
    }
    this.#entitle(state.title);
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
    write(part(this, "status"), text);
  }
}
