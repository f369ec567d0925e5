// @ts-check
// <conversation-menu>: what can be done with a conversation of the list: rename it in place, take it along,
// or delete it once confirmed.

import { action, asked, clone, part, say } from "./parts.js";

const NONE = "00000000-0000-0000-0000-000000000000";

export class ConversationMenu extends HTMLElement {
  /** @type {string} */ #conversation = "";
  /** @type {HTMLElement | null} */ #item = null;

  connectedCallback() {
    this.addEventListener("click", (event) => {
      const name = asked(event)?.name;
      const exported = /** @type {Element} */ (event.target).closest("[data-export]");
      if (name === "rename" || name === "delete" || exported) this.#menu.hidePopover();
      if (name === "rename") this.#rename();
      else if (name === "delete") this.#confirm.showModal();
    });
    this.#confirm.addEventListener("close", () => {
      if (this.#confirm.returnValue === "delete") say(this, "delete", { conversation: this.#conversation });
      this.#confirm.returnValue = "";
    });
  }

  /** @param {string} conversation @param {HTMLElement} button beside which it opens */
  open(conversation, button) {
    this.#conversation = conversation;
    this.#item = button.closest("[data-id]");
    for (const link of this.querySelectorAll("[data-export]")) link.href = link.dataset.export.replace(NONE, conversation);
    this.#menu.showPopover();
    const { bottom, top, right } = button.getBoundingClientRect();
    const { offsetHeight: height, offsetWidth: width } = this.#menu;
    this.#menu.style.top = `${bottom + height + 4 > innerHeight ? top - height - 4 : bottom + 4}px`;
    this.#menu.style.left = `${Math.max(8, Math.min(right - width, innerWidth - width - 8))}px`;
    action(this.#menu, "rename").focus();
  }

  #rename() {
    const item = this.#item;
    if (!item) return;
    const link = part(item, "link");
    const form = clone("rename-template");
    const input = part(form, "rename-input");
    const before = part(item, "title").textContent;
    let done = false;
    const close = (/** @type {boolean} */ keep) => {
      if (done) return;
      done = true;
      const title = input.value.trim();
      if (keep && title && title !== before) say(this, "rename", { conversation: this.#conversation, title });
      const focused = form.contains(document.activeElement);
      form.remove();
      link.hidden = false;
      if (focused) link.focus();
    };
    input.value = before;
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      close(true);
    });
    form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
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

  /** @returns {HTMLDialogElement} */
  get #confirm() {
    return part(this, "confirm-delete");
  }
}
