// @ts-check
// <keyboard-shortcuts>: hears the keys of the whole page and says what they ask for, as `chat:` and the shortcut's name;
// its dialog tells of them all.

import { openDialog, part, say, write } from "./parts.js";
import { SHORTCUTS, aria, caps, shortcut } from "../shortcuts.js";
import * as words from "../words.js";

export class KeyboardShortcuts extends HTMLElement {
  connectedCallback() {
    addEventListener("keydown", (event) => this.#key(event));
    for (const { id, keys } of SHORTCUTS) {
      for (const control of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[data-shortcut="${id}"]`))) {
        control.setAttribute("aria-keyshortcuts", aria(keys));
        if (!control.title) control.title = words.withKeys(control.ariaLabel ?? control.textContent?.trim() ?? "", words.keys(caps(keys)));
      }
    }
    for (const hint of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-keys]"))) {
      const { keys = "" } = SHORTCUTS.find(({ id }) => id === hint.dataset.keys) ?? {};
      write(hint, words.keys(caps(keys)).join(" "));
    }
  }

  /** Shows all of them. Rejects if their table cannot be loaded. */
  async open() {
    const help = part(this, "help");
    openDialog(help);
    if (part(this, "shortcut")) return;
    try {
      const { rows } = await import("./shortcut-rows.js");
      part(this, "shortcuts").replaceChildren(...rows());
    } catch (error) {
      help.close();
      throw error;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented || event.repeat) return;
    const box = /** @type {HTMLElement} */ (event.target).closest("input, textarea, select, [contenteditable]");
    const empty = !(/** @type {any} */ (box)?.value);
    const name = shortcut(event, { typing: box !== null, empty });
    if (!name || !this.#hears(name)) return;
    event.preventDefault();
    say(this, name);
  }

  /** What is open above the page has its own keys, and Escape first of all closes it. @param {string} name */
  #hears(name) {
    if (document.querySelector("dialog:modal")) return false;
    if (name !== "stop") return true;
    return !document.querySelector(":popover-open:not([popover=manual])") && !part(document, "stop").hidden;
  }
}
