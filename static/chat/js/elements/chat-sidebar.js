// @ts-check
// <chat-sidebar>: the list of conversations, kept as the server tells it. On a phone it is a drawer.

import { action, asked, clone, part, say, write } from "./parts.js";
import * as words from "../words.js";

/** @typedef {import("../protocol.js").Entry} Entry */

export class ChatSidebar extends HTMLElement {
  /** @type {Entry[] | null} */ #entries = null;
  /** @type {string | null} */ #current = null;

  connectedCallback() {
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name !== "menu") return;
      const item = /** @type {HTMLElement} */ (clicked.button.closest("[data-id]"));
      say(clicked.button, "menu", { conversation: item.dataset.id });
    });
  }

  /** @param {import("../store.js").State} state @param {(id: string) => string} address */
  render({ entries, conversation }, address) {
    const changed = entries !== this.#entries || conversation !== this.#current;
    if (!changed || part(this, "rename")) return; // An entry that moved would lose the title being typed.
    const another = conversation !== this.#current || this.#entries === null;
    this.#entries = entries;
    this.#current = conversation;
    const list = part(this, "conversations");
    const drawn = new Map([...list.children].map((item) => [item.dataset.id, item]));
    entries.forEach((entry, index) => {
      const item = drawn.get(entry.id) ?? clone("conversation-template");
      drawn.delete(entry.id);
      draw(item, entry, address(entry.id), entry.id === conversation);
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    });
    for (const item of drawn.values()) item.remove();
    part(this, "no-conversations").hidden = entries.length > 0;
    if (another) reveal(list);
  }
}

/** @param {HTMLElement} item @param {Entry} entry @param {string} address @param {boolean} current */
function draw(item, { id, title, active }, address, current) {
  const link = part(item, "link");
  item.dataset.id = id;
  item.dataset.active = String(active);
  link.href = address;
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  write(part(item, "title"), title || words.UNTITLED);
  part(item, "live").hidden = !active;
  action(item, "menu").ariaLabel = words.more(title || words.UNTITLED);
}

/** Scrolls the list, and nothing else, to the current entry. @param {HTMLElement} list */
function reveal(list) {
  const item = list.querySelector("[aria-current]")?.closest("li");
  if (item) list.scrollTop = Math.max(list.scrollTop, item.offsetTop + item.offsetHeight - list.clientHeight);
}
