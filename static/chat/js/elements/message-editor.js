// @ts-check
// <message-editor>: a question being written anew, in its place. Says `chat:edited` with the text, or `chat:closed`.

import { action, fit, part, say, sends } from "./parts.js";
import { composes } from "../shortcuts.js";

export class MessageEditor extends HTMLElement {
  constructor() {
    super();
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value;
      if (text.trim()) say(this, "edited", { text });
    });
    this.addEventListener("input", () => fit(this.#input));
    this.addEventListener("keydown", (event) => {
      if (composes(event)) return;
      if (event.key === "Escape") {
        event.preventDefault(); // Or it would stop a reply as well.
        say(this, "closed");
      }
      if (event.key === "Enter" && sends(event, this) && event.target === this.#input) {
        event.preventDefault();
        if (!event.repeat) part(this, "edit").requestSubmit(); // Held down, it opened this.
      }
    });
  }

  /** @param {string} text @param {boolean} focus */
  open(text, focus) {
    action(this, "cancel").addEventListener("click", () => say(this, "closed"));
    this.#input.value = text;
    fit(this.#input);
    if (!focus) return;
    this.#input.focus({ preventScroll: true });
    this.scrollIntoView({ block: "nearest" });
  }

  /** @returns {HTMLTextAreaElement} */
  get #input() {
    return part(this, "edit-input");
  }
}
