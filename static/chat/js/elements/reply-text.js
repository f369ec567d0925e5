// @ts-check
// A reply in the admin, drawn as its reader saw it. Its source is the server's, and what a growing one gets is added
// there: this looks at it, draws it beside, and shows one of the two.

import { copyCode } from "./clipboard.js";
import { action, asked, clone, part } from "./parts.js";
import { RichText } from "./rich-text.js";
import { toggleWrap } from "../markdown/code.js";

class ReplyText extends HTMLElement {
  /** @type {RichText | null} */ #view = null;

  connectedCallback() {
    if (this.#view) return;
    const { id } = this.#article;
    this.#view = new RichText(part(this, "drawn"), this, id);
    this.#draw();
    new MutationObserver(() => this.#draw()).observe(part(this, "text"), { characterData: true, childList: true, subtree: true });
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name === "copy-code") copyCode(clicked.button);
      else if (clicked?.name === "wrap-code") toggleWrap(clicked.button);
    });
    this.#toggle.addEventListener("click", () => this.#show(!this.showsSource));
    this.#toggle.hidden = false;
    this.#show(false);
  }

  get showsSource() {
    return this.#toggle.ariaPressed === "true";
  }

  /** Stands where `old` stood: shows the same of the two, and at once. @param {ReplyText | null} old */
  succeed(old) {
    this.#view?.now();
    if (old) this.#show(old.showsSource);
  }

  #draw() {
    this.#view?.draw(part(this, "text").textContent, !("live" in this.#article.dataset));
  }

  /** @param {boolean} source */
  #show(source) {
    this.#toggle.ariaPressed = String(source);
    part(this, "text").hidden = !source;
    part(this, "drawn").hidden = source;
  }

  get #article() {
    return /** @type {HTMLElement} */ (this.closest("article"));
  }

  /** @returns {HTMLButtonElement} */
  get #toggle() {
    return action(this.#article, "source");
  }
}

document.body.append(clone("icons-template"));
customElements.define("reply-text", ReplyText);
