// @ts-check
// <retry-menu>: the models that can write a reply anew, opened by the button beside "Regenerate" of any reply. Says
// `chat:regenerate` with the message and the model.

import { asMenu } from "./menu.js";
import { asked, part, say } from "./parts.js";

class RetryMenu extends HTMLElement {
  #message = "";
  /** @type {HTMLElement} */ #button = this;

  connectedCallback() {
    const menu = part(this, "retry-models");
    asMenu(menu, () => this.#button);
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name !== "retry-as") return;
      menu.hidePopover();
      say(this, "regenerate", { message: this.#message, model: clicked.button.value });
    });
  }

  /** @param {string} message @param {HTMLElement} button beside which it opens */
  open(message, button) {
    this.#message = message;
    this.#button = button;
    part(this, "retry-models").showPopover();
  }
}

customElements.define("retry-menu", RetryMenu);
