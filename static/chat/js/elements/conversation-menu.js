// @ts-check
// <conversation-menu>: what can be done with a conversation of the list: rename it in place, pin it or not, take it
// along, delete it.

import { byArrows } from "./menu.js";
import { action, asked, clone, isRtl, part, say } from "./parts.js";
import { NIL } from "../http.js";
import { composes } from "../shortcuts.js";

class ConversationMenu extends HTMLElement {
  /** @type {HTMLElement | null} */ #item = null;
  /** @type {HTMLElement | null} */ #button = null;

  connectedCallback() {
    this.addEventListener("click", (event) => {
      const name = asked(event)?.name;
      const item = this.#item;
      const exported = /** @type {Element} */ (event.target).closest("[data-export]");
      if (exported) this.#menu.hidePopover();
      if (!item || !name) return;
      this.#menu.hidePopover();
      const conversation = item.dataset.id;
      if (name === "rename") this.rename(item);
      else if (name === "delete") say(this, "delete", { conversation });
      else say(this, "change", { conversation, fields: { pinned: name === "pin" } });
    });
    byArrows(this.#menu);
    // A menu within the drawer gives the focus back to nobody by itself.
    this.#menu.addEventListener("toggle", (/** @type {ToggleEvent} */ { newState }) => {
      const lost = document.activeElement === document.body || this.contains(document.activeElement);
      if (newState === "closed" && lost && this.#button?.isConnected) this.#button.focus();
    });
  }

  /** @param {HTMLElement} button of an entry, beside which it opens */
  open(button) {
    const item = /** @type {HTMLElement} */ (button.closest("[data-id]"));
    const pinned = item.hasAttribute("data-pinned");
    this.#item = item;
    this.#button = button;
    action(this.#menu, "pin").hidden = pinned;
    action(this.#menu, "unpin").hidden = !pinned;
    for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (this.querySelectorAll("[data-export]"))) {
      link.href = (link.dataset.export ?? "").replace(NIL, item.dataset.id ?? "");
    }
    this.#menu.showPopover();
    const { bottom, top, left, right } = button.getBoundingClientRect();
    const { offsetHeight: height, offsetWidth: width } = this.#menu;
    this.#menu.style.top = `${bottom + height + 4 > innerHeight ? top - height - 4 : bottom + 4}px`;
    this.#menu.style.left = `${Math.max(8, Math.min(isRtl() ? left : right - width, innerWidth - width - 8))}px`;
    action(this.#menu, "rename").focus();
  }

  /** Lets the title of an entry be typed in its place. @param {HTMLElement} item */
  rename(item) {
    const link = part(item, "link");
    const form = clone("rename-template");
    const input = part(form, "rename-input");
    const before = part(item, "title").textContent;
    let done = false;
    const close = (/** @type {boolean} */ keep) => {
      if (done) return;
      done = true;
      const title = input.value.trim();
      const focused = form.contains(document.activeElement);
      form.remove();
      link.hidden = false;
      if (focused) link.focus();
      say(this, "renamed"); // What came meanwhile was not drawn.
      if (keep && title && title !== before) say(this, "change", { conversation: item.dataset.id, fields: { title } });
    };
    input.value = before;
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      close(true);
    });
    form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape" || composes(event)) return;
      event.preventDefault(); // Or it would close the drawer as well.
      close(false);
    });
    input.addEventListener("blur", () => close(true));
    link.hidden = true;
    link.after(form);
    input.select();
  }

  /** @returns {HTMLElement} */
  get #menu() {
    return part(this, "menu");
  }
}

customElements.define("conversation-menu", ConversationMenu);
