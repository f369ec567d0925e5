// @ts-check
// <undo-toast>: says that a conversation was deleted, and offers for a while to undo it: by its button, or by Ctrl+Z, and
// then what was deleted before it. The while does not pass while the reader is at the toast, with the pointer or the focus.

import { action, part, say, write } from "./parts.js";
import { pressed } from "../shortcuts.js";
import { deleted, undoable } from "../words-late.js";
import { UNTITLED } from "../words.js";

/** @typedef {import("../protocol.js").Entry} Entry */

const SHOWN = 8_000;

class UndoToast extends HTMLElement {
  /** @type {Entry[]} what can be brought back, in the order in which it was deleted */ #entries = [];
  /** @type {any} */ #timer = null;

  connectedCallback() {
    const toast = this.#toast;
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(this.#timer));
    // A press beside an open drawer closes it, but not on a button that leads to the drawer.
    toast.addEventListener("pointerdown", () => {
      const drawer = part(document, "drawer");
      action(toast, "undo").popoverTargetElement = drawer.matches(":popover-open") ? drawer : null;
    });
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, () => this.#wait());
    addEventListener("keydown", (event) => {
      if (!this.entry || !pressed("undo", event) || /** @type {any} */ (event.target).value) return; // There is text to undo.
      event.preventDefault();
      this.undo();
    });
  }

  /** @param {Entry} entry that was deleted */
  show(entry) {
    this.#hide();
    this.#entries.push(entry);
    this.#offer(entry);
  }

  /** What would be brought back now. @returns {Entry | undefined} */
  get entry() {
    return this.#entries.at(-1);
  }

  undo() {
    const entry = this.#entries.pop();
    if (!entry) return;
    if (this.entry) this.#offer(this.entry);
    else this.#hide();
    say(this, "restore", { entry });
  }

  /** @param {Entry} entry */
  #offer({ title }) {
    write(part(this, "toast-text"), deleted(title || UNTITLED));
    write(part(this, "toast-voice"), undoable(title || UNTITLED));
    this.#toast.showPopover();
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    if (this.#toast.matches(":hover, :focus-within")) return;
    this.#timer = setTimeout(() => {
      this.#entries = [];
      this.#hide();
      say(this, "forgotten");
    }, SHOWN);
  }

  #hide() {
    clearTimeout(this.#timer);
    write(part(this, "toast-voice"), "");
    this.#toast.hidePopover();
  }

  /** @returns {HTMLElement} */
  get #toast() {
    return part(this, "toast");
  }
}

customElements.define("undo-toast", UndoToast);
