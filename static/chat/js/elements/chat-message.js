// @ts-check
// <chat-message>: one message with what can be done about it. Made by the server for the history and from the same
// template for live ones; `render` fills either.

import { copy, copyCode } from "./clipboard.js";
import { action, asked, clone, lasting, part, say, write } from "./parts.js";
import { RichText } from "./rich-text.js";
import { toggleWrap } from "../markdown/code.js";
import * as words from "../words.js";

/** @typedef {import("../protocol.js").Message} Message */

const LONG = { lines: 12, characters: 1000 };

export class ChatMessage extends HTMLElement {
  /** @type {Message | null} */ #message = null;
  /** @type {RichText | null} */ #view = null;
  /** @type {any} */ #clock = null;
  #since = 0;
  #locked = "";
  /** @type {import("../drafts.js").Drafts | null} */ #drafts = null;

  constructor() {
    super();
    this.addEventListener("click", (event) => this.#act(event));
    this.addEventListener("input", () => this.#keep(part(this, "edit-input").value));
    this.addEventListener("chat:closed", () => this.#closeEditor());
    this.addEventListener("chat:edited", (event) => {
      this.#closeEditor();
      say(this, "send", { text: /** @type {CustomEvent} */ (event).detail.text, parent: this.#message?.parent });
    });
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
    this.#clock = null;
  }

  /** @param {Message} message @param {{ busy: boolean, online: boolean, drafts: import("../drafts.js").Drafts }} now */
  render(message, { busy, online, drafts }) {
    this.#drafts = drafts;
    if (message !== this.#message) this.#draw(message);
    const locked = `${busy} ${online}`;
    if (locked === this.#locked) return;
    this.#locked = locked;
    for (const name of ["retry", "edit", "continue"]) action(this, name).disabled = busy;
    if (action(this, "retry-with")) action(this, "retry-with").disabled = busy; // There may be but one model.
    for (const name of ["previous", "next"]) action(this, name).disabled = busy || !online || !this.#neighbour(name);
    // The page was loaded again meanwhile. An open one's is not read anew: another page's text would pass for its own.
    if (!part(this, "editor") && this.#draft) this.edit(false);
  }

  /** Opens the question for editing. @param {boolean} focus whether a person asked for it just now */
  edit(focus = true) {
    if (part(this, "editor") || action(this, "edit").disabled) return;
    const editor = clone("edit-template");
    this.#article.dataset.editing = "";
    this.#article.append(editor);
    editor.open(this.#draft || (this.#message?.text ?? ""), focus);
  }

  /** Draws all of it, wherever it is: on paper nothing comes into view later. */
  unveil() {
    this.#view?.now();
  }

  /** What was being written in place of the question. */
  get #draft() {
    return this.#drafts?.read(`edit:${this.#message?.id}`) ?? "";
  }

  /** @param {string} text */
  #keep(text) {
    this.#drafts?.keep(`edit:${this.#message?.id}`, text);
  }

  #closeEditor() {
    this.#keep("");
    part(this, "editor").remove();
    delete this.#article.dataset.editing;
    action(this, "edit").focus();
  }

  /** @returns {HTMLElement} */
  get #article() {
    return /** @type {HTMLElement} */ (this.querySelector("article"));
  }

  /** @param {Message} message */
  #draw(message) {
    const before = this.#message;
    this.#message = message;
    const { id, role, status } = message;
    const article = this.#article;
    if (before?.id !== id) {
      article.dataset.id = id;
      article.dataset.role = role;
      const heading = part(this, "heading");
      heading.id = `said-${id}`;
      article.setAttribute("aria-labelledby", heading.id);
      write(heading, words.SAID[role]);
    }
    article.dataset.status = status;
    article.ariaBusy = String(status === "running");
    this.#drawText(message);
    this.#drawThought(message, before);
    this.#drawEnding(message, before);
    this.#drawActions(message);
  }

  /** @param {Message} message */
  #drawText({ id, role, status, text }) {
    const element = part(this, "text");
    if (role === "assistant") {
      this.#view ??= new RichText(element, this, `m-${id}`);
      this.#view.draw(text, status !== "running");
      return;
    }
    write(element, text);
    const long = text.length > LONG.characters || text.split("\n").length > LONG.lines;
    action(this, "unfold").hidden = !long;
    this.#article.toggleAttribute("data-folded", long && action(this, "unfold").ariaExpanded !== "true");
  }

  /** Reasoning, steps, and the wait for the first character. @param {Message} message @param {Message | null} before */
  #drawThought(message, before) {
    if (message.reasoning !== before?.reasoning) {
      part(this, "reasoning").hidden = !message.reasoning;
      write(part(this, "reasoning-text"), message.reasoning);
    }
    if (message.steps !== before?.steps) {
      const steps = message.steps.map((step) => {
        const item = clone("step-template");
        item.dataset.status = step.status;
        write(part(item, "step-label"), words.step(step));
        write(part(item, "step-time"), step.ms === undefined ? "" : words.took(step.ms));
        write(part(item, "step-detail"), step.detail ?? "");
        // With nothing to unfold it is a line, not a button.
        if (!step.detail) part(item, "step-details").replaceWith(...item.querySelectorAll("summary > *"));
        return item;
      });
      part(this, "steps").replaceChildren(...steps);
      part(this, "steps").hidden = steps.length === 0;
    }
    const waits = message.status === "running" && !message.text;
    lasting(this, "waiting").hidden = !waits;
    if (!waits) {
      clearInterval(this.#clock);
      this.#clock = null;
    } else if (this.#clock === null) {
      this.#since = performance.now();
      this.#clock = setInterval(() => this.#drawWait(), 1000);
    }
    if (waits) this.#drawWait();
  }

  #drawWait() {
    const seconds = Math.floor((performance.now() - this.#since) / 1000);
    if (this.#message) write(part(this, "phase"), words.waiting(this.#message, seconds));
  }

  /** @param {Message} message @param {Message | null} before */
  #drawEnding(message, before) {
    const notice = lasting(this, "notice");
    const ending = words.ending(message);
    // Only what happens before the reader's eyes is an alert; a failure in the history is not.
    const news = message.live || before?.status === "running";
    if (news && message.status === "error") notice.role = "alert";
    notice.hidden = !ending;
    write(notice, ending);
  }

  /** @param {Message} message */
  #drawActions(message) {
    const { id, role, status, siblings, text, finish_reason: reason } = message;
    const reply = role === "assistant";
    const final = status !== "running" && status !== "queued";
    const actions = lasting(this, "actions");
    actions.hidden = !final;
    action(actions, "copy").hidden = !text; // By its keys a reply is copied while it is written, too.
    if (!final) return;
    action(this, "edit").hidden = reply;
    const retry = action(this, "retry");
    retry.title = status === "error" || status === "interrupted" ? words.RETRY : words.REGENERATE;
    retry.hidden = !reply;
    if (action(this, "retry-with")) action(this, "retry-with").hidden = !reply;
    write(part(retry, "label"), retry.title);
    const more = status === "stopped" || status === "interrupted" || reason === "length";
    action(this, "continue").hidden = !reply || !more || !text;
    part(this, "branches").hidden = siblings.length < 2;
    write(part(this, "place"), `${siblings.indexOf(id) + 1} / ${siblings.length}`);
    this.#locked = ""; // The arrows' ends depend on the siblings.
    write(part(this, "origin"), reply ? words.origin(message) : "");
  }

  /** @param {string} name */
  #neighbour(name) {
    if (!this.#message) return undefined;
    const { siblings, id } = this.#message;
    return siblings[siblings.indexOf(id) + (name === "next" ? 1 : -1)];
  }

  /** @param {Event} event */
  #act(event) {
    const clicked = asked(event);
    if (!clicked || !this.#message) return;
    const { name, button } = clicked;
    const { id, text } = this.#message;
    if (name === "copy") copy(text, button);
    else if (name === "copy-code") copyCode(button);
    else if (name === "wrap-code") toggleWrap(button);
    else if (name === "edit") this.edit();
    else if (name === "retry") say(this, "regenerate", { message: id });
    else if (name === "retry-with") say(this, "retry-with", { message: id, button });
    else if (name === "continue") say(this, "continue", { message: id });
    else if (name === "previous" || name === "next") say(this, "select", { message: this.#neighbour(name) });
    else if (name === "unfold") this.#unfold(button);
  }

  /** @param {HTMLButtonElement} button */
  #unfold(button) {
    const open = button.ariaExpanded !== "true";
    button.ariaExpanded = String(open);
    write(button, open ? words.UNFOLD.less : words.UNFOLD.more);
    this.#article.toggleAttribute("data-folded", !open);
  }
}
