// @ts-check
// <connection-banner>: says that there is no connection, once that has lasted for a second. Coming back is silent.

import { Countdown } from "./countdown.js";
import { action, asked, part, say, write } from "./parts.js";
import * as words from "../words.js";

/** @typedef {import("../store.js").State} State */

const SILENT = 1000;

export class ConnectionBanner extends HTMLElement {
  /** @type {any} */ #timer = null;
  /** @type {State["connection"] | null} */ #connection = null;
  #countdown = new Countdown();

  connectedCallback() {
    this.addEventListener("click", (event) => {
      const name = asked(event)?.name;
      if (name === "connect") say(this, "wake");
      else if (name === "reload") location.reload();
    });
  }

  /** @param {State} state */
  render({ connection }) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    const { status, delay = 0 } = connection;
    if (status === "open" || status === "paused") {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#countdown.stop();
      this.#banner.hidden = true;
      return;
    }
    this.#timer ??= setTimeout(() => (this.#banner.hidden = false), SILENT);
    action(this, "connect").hidden = status !== "waiting";
    action(this, "reload").hidden = status !== "ended";
    this.#countdown.run(connection, delay / 1000, (left) => write(part(this, "banner-text"), words.connection(connection, left)));
  }

  /** @returns {HTMLElement} */
  get #banner() {
    return part(this, "banner");
  }
}
