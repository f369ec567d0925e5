// @ts-check
// <chat-composer>: where text is written, sent, and a reply is stopped. Keeps a draft for each conversation.

import { asked, fit, part, say, sends, write } from "./parts.js";
import { NEW } from "../drafts.js";
import { composes, pressed } from "../shortcuts.js";
import { active, busy } from "../store.js";
import * as words from "../words.js";

/** @typedef {import("../store.js").State} State */

// Of a day's tokens: from there on, the reader is told what is left.
const LITTLE = 0.2;

export class ChatComposer extends HTMLElement {
  /** @type {import("../drafts.js").Drafts} */ // @ts-ignore set by <chat-app>
  drafts;
  #limit = Infinity;
  #conversation = "";
  #full = false;
  #busy = false;
  #left = "";
  /** @type {State["refusal"]} */ #refusal = null;

  connectedCallback() {
    this.#limit = Number(this.dataset.limitCharacters) || Infinity;
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("input", () => this.#changed());
    this.addEventListener("click", (event) => {
      if (asked(event)?.name === "dismiss") say(this, "dismiss");
    });
    // The second click of a double one was meant for Send, in whose place Stop has come.
    part(this, "stop").addEventListener("click", (/** @type {MouseEvent} */ { detail }) => detail === 2 || say(this, "stop"));
    addEventListener("pagehide", () => this.#input.disabled && this.#rescue());
  }

  /** @param {State} state */
  render(state) {
    // One that the server may never take is new still: nobody would find a draft of it again.
    const conversation = (state.made && state.conversation) || NEW;
    if (this.#conversation !== conversation) this.#open(conversation);
    if (state.refusal !== this.#refusal) this.#refused(state.refusal);
    const writing = active(state) !== null;
    const focused = this.contains(this.ownerDocument.activeElement);
    const [send, stop] = [part(this, "send"), part(this, "stop")];
    const swap = stop.hidden === writing;
    send.hidden = writing;
    stop.hidden = !writing;
    this.#busy = busy(state);
    this.#left = state.left < state.tokens * LITTLE ? words.left(state.left) : "";
    this.#input.disabled = state.gone;
    // The button under the reader's finger goes away: the focus must not fall to the page.
    if (swap && focused && this.ownerDocument.activeElement !== this.#input) this.#input.focus();
    this.#changed();
  }

  focus() {
    this.#input.focus();
  }

  /** Puts a refused text before what has been written since. @param {string} text */
  giveBack(text) {
    const input = this.#input;
    input.value = input.value.trim() ? `${text}\n\n${input.value}` : text;
    this.#changed();
    input.focus();
  }

  /** @returns {HTMLTextAreaElement} */
  get #input() {
    return part(this, "composer-input");
  }

  #send() {
    const text = this.#input.value;
    if (this.#busy || this.#full || !text.trim()) return;
    this.#input.value = "";
    this.#changed();
    say(this, "send", { text });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.#input || composes(event)) return;
    if (event.key === "Enter" && sends(event, this)) {
      event.preventDefault();
      if (!event.repeat) this.#send(); // Held down, it was meant for what had the focus before.
    } else if (pressed("edit-last", event) && !this.#input.value) {
      event.preventDefault();
      say(this, "edit-last");
    }
  }

  #changed() {
    const text = this.#input.value;
    // Code points, as the server counts; a text far below the limit need not be counted.
    const length = text.length > this.#limit * 0.9 ? Array.from(text).length : 0;
    this.#full = length > this.#limit;
    write(part(this, "count"), length ? words.count(length, this.#limit) : this.#left);
    part(this, "count").toggleAttribute("data-over", this.#full);
    this.#input.ariaInvalid = String(this.#full);
    part(this, "send").disabled = this.#busy || this.#full || !text.trim();
    fit(this.#input);
    this.drafts?.keep(this.#conversation, text);
  }

  /** @param {string} conversation */
  #open(conversation) {
    const [before, typed] = [this.#conversation, this.#input.value];
    this.#conversation = conversation;
    // What was typed since the first message of a new conversation went out belongs to that conversation.
    if (before === NEW && typed) {
      this.drafts.keep(NEW, "");
      return;
    }
    const draft = this.drafts.read(conversation);
    // What was typed before the script came goes on from the draft, which it did not show yet.
    this.#input.value = before === "" && typed && draft ? `${draft}\n\n${typed}` : draft || (before === "" ? typed : "");
  }

  /** Nobody finds a draft again of a conversation that is deleted: it becomes that of a new one. */
  #rescue() {
    const text = this.#input.value;
    if (!text.trim() || this.#conversation === NEW) return;
    this.drafts.giveBack(NEW, text);
    this.#input.value = "";
    this.#changed();
  }

  /** @param {State["refusal"]} refusal */
  #refused(refusal) {
    this.#refusal = refusal;
    part(this, "refusal").hidden = !refusal;
    write(part(this, "refusal-text"), refusal ? words.refusal(refusal.code, refusal.seconds) : "");
    if (refusal?.text) this.giveBack(refusal.text);
  }
}
