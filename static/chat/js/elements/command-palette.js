// @ts-check
// <command-palette>: a box that finds what can be done and where one can go, as one types. The focus stays in the box;
// what is chosen is told by `aria-activedescendant`.

import { clone, part, say, write } from "./parts.js";
import { NIL } from "../http.js";
import { fitting } from "../match.js";
import { composes, pressed } from "../shortcuts.js";
import { everywhere, fits } from "../words-late.js";
import { UNTITLED } from "../words.js";

/** So many conversations before anything is typed, and then. */
const MOST = { recent: 5, found: 8 };

/** @typedef {import("../store.js").State} State */

class CommandPalette extends HTMLElement {
  /** @type {HTMLElement[]} */ #commands = [];
  /** @type {HTMLElement[]} what can be chosen now */ #options = [];
  /** @type {State | null} */ #state = null;
  /** @type {(id: string) => string} */ #address = () => "";

  connectedCallback() {
    this.#commands = [...this.querySelectorAll("[data-part=command]")].map((each) => /** @type {HTMLElement} */ (each));
    this.#input.addEventListener("input", () => this.#draw());
    this.#input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.#dialog.addEventListener("close", () => (this.#input.value = ""));
    const list = part(this, "options");
    list.addEventListener("mousedown", (/** @type {Event} */ event) => event.preventDefault()); // The focus stays in the box.
    list.addEventListener("pointermove", (/** @type {Event} */ event) => {
      const option = optionOf(event);
      if (option && option !== this.#chosen) this.#choose(option);
    });
    this.addEventListener("click", (event) => {
      const option = optionOf(event);
      if (option) this.#act(option);
      else if (event.target === this.#dialog) this.#dialog.close(); // Beside it.
    });
  }

  /**
   * Fills the dialog, which is open already.
   * @param {State} state @param {(id: string) => string} address of a conversation
   * @param {boolean} entered whether Enter was pressed before this script was there
   */
  fill(state, address, entered) {
    this.#state = state;
    this.#address = address;
    this.#draw();
    if (entered) this.#act(this.#options[0]);
  }

  /** @returns {HTMLDialogElement} */
  get #dialog() {
    return part(this, "palette-dialog");
  }

  /** @returns {HTMLInputElement} */
  get #input() {
    return part(this, "palette-input");
  }

  /** @returns {HTMLElement | undefined} */
  get #chosen() {
    return this.#options.find(({ ariaSelected }) => ariaSelected === "true");
  }

  #draw() {
    const query = this.#input.value.trim();
    const { entries = [], conversation = null } = this.#state ?? {};
    const others = entries.filter(({ id }) => id !== conversation).toSorted((a, b) => (a.updated < b.updated ? 1 : -1));
    const titles = fitting(query, others, ({ title }) => title || UNTITLED).slice(0, query ? MOST.found : MOST.recent);
    const offered = this.#commands.filter((command) => this.#offers(command));
    const commands = fitting(query, offered, (command) => part(command, "option-text").textContent);
    const [first, second] = [part(this, "palette-conversations"), part(this, "palette-commands")];
    fill(first, titles.map(({ item }) => this.#conversation(item)));
    fill(second, commands.map(({ item }) => item));
    // What fits best stands first; before anything is typed, that is where one was last.
    const better = query !== "" && (commands[0]?.score ?? 0) > (titles[0]?.score ?? 0);
    if (better) first.before(second);
    else second.before(first);
    write(part(this, "everywhere-text"), everywhere(query));
    this.#options = [...this.querySelectorAll("[role=option]")].map((each) => /** @type {HTMLElement} */ (each));
    this.#options.forEach((option, index) => (option.id = `option-${index}`));
    this.#choose(this.#options[0]);
    write(part(this, "palette-voice"), query ? fits(titles.length + commands.length) : "");
  }

  /** @param {import("../protocol.js").Entry} entry */
  #conversation({ id, title, pinned }) {
    const option = clone("option-template");
    option.dataset.href = this.#address(id);
    option.toggleAttribute("data-pinned", pinned);
    write(part(option, "option-text"), title || UNTITLED);
    return option;
  }

  /** Whether it can be done now. @param {HTMLElement} command */
  #offers({ dataset: { needs } }) {
    if (!needs || !this.#state) return true;
    const { conversation, entries, messages, made, gone } = this.#state;
    const there = made && !gone;
    // A pinned one is among the first of the list, which are always there.
    const pinned = entries.some((entry) => entry.id === conversation && entry.pinned);
    const replies = messages.some(({ role, text }) => role === "assistant" && text);
    return { entry: there, pinned: there && pinned, unpinned: there && !pinned, reply: replies }[needs] ?? false;
  }

  /** @param {HTMLElement} option */
  #choose(option) {
    for (const each of this.#options) each.ariaSelected = String(each === option);
    this.#input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (composes(event)) return;
    const all = this.#options;
    const at = all.findIndex((option) => option === this.#chosen);
    const moves = { ArrowDown: all[(at + 1) % all.length], ArrowUp: all.at(at - 1), PageDown: all.at(-1), PageUp: all[0] };
    const to = /** @type {Record<string, HTMLElement | undefined>} */ (moves)[event.key];
    if (to) this.#choose(to);
    else if (pressed("palette", event)) this.#dialog.close();
    else if (event.key === "Enter") this.#act(all[at]);
    else return;
    event.preventDefault();
  }

  /** @param {HTMLElement} option */
  #act({ dataset: { say: name, href, submit, theme } }) {
    const conversation = this.#state?.conversation ?? "";
    const query = this.#input.value.trim();
    this.#dialog.close();
    if (submit) /** @type {HTMLFormElement} */ (document.getElementById(submit)).requestSubmit();
    else if (href) location.assign(href.replace(NIL, conversation) + (href.endsWith("?q=") ? encodeURIComponent(query) : ""));
    else if (name === "print") print();
    else if (name === "pin" || name === "unpin") say(this, "change", { conversation, fields: { pinned: name === "pin" } });
    else if (name) say(this, name, { conversation, theme });
  }
}

/** @param {Event} event @returns {HTMLElement | null} */
const optionOf = (event) => /** @type {Element} */ (event.target).closest("[role=option]");

/** @param {HTMLElement} group @param {HTMLElement[]} options */
function fill(group, options) {
  part(group, "group-options").replaceChildren(...options);
  group.hidden = !options.length;
}

customElements.define("command-palette", CommandPalette);
