// @ts-check
// <chat-thread>: the scroller with the shown branch. Draws the messages that changed, and keeps the reader's place.

import { Countdown } from "./countdown.js";
import { action, asked, clone, lasting as part, say, write } from "./parts.js";
import { StickyEnd } from "./sticky-end.js";
import { busy, visible } from "../store.js";
import * as words from "../words.js";

/** @typedef {import("../store.js").State} State */
/** @typedef {import("./chat-message.js").ChatMessage} ChatMessage */

const QUEUED = "queued";
const MARKED = 2000; // ms
const NEAR = "800px";
const STRETCH = 50; // messages

export class ChatThread extends HTMLElement {
  /** @type {import("../drafts.js").Drafts} */ // @ts-ignore set by <chat-app>
  drafts;
  /** @type {Map<string, ChatMessage>} */ #drawn = new Map();
  /** @type {StickyEnd | null} */ #end = null;
  /** @type {HTMLElement | null} */ #question = null;
  /** @type {ResizeObserver | null} */ #ruler = null;
  /** @type {IntersectionObserver} */ // @ts-ignore set when connected
  #top;
  /** @type {string | undefined} the first message when the top was last looked at */ #first;
  #countdown = new Countdown();

  connectedCallback() {
    const list = part(this, "messages");
    for (const element of this.#all) this.#drawn.set(/** @type {any} */ (element.firstElementChild).dataset.id, element);
    this.#end = new StickyEnd(this, list, (away) => this.toggleAttribute("data-away", away));
    this.#ruler = new ResizeObserver(() => this.#measure());
    this.addEventListener("click", (event) => {
      const name = asked(event)?.name;
      if (name === "earlier") say(this, "earlier", { asked: true });
      else if (name === "to-end") this.#end?.jump();
    });
    this.#end.jump();
    // Who reads on towards the top need not ask for what is before it.
    const near = (/** @type {IntersectionObserverEntry[]} */ seen) =>
      seen.at(-1)?.isIntersecting && !this.#end?.pinned && say(this, "earlier", { asked: false });
    this.#top = new IntersectionObserver(near, { root: this, rootMargin: NEAR });
  }

  /** @param {State} state */
  render(state) {
    const now = { busy: busy(state), online: state.connection.status === "open", drafts: this.drafts };
    const messages = [...visible(state)];
    if (state.queued?.type === "send") messages.push(/** @type {any} */ (awaiting(state.queued)));
    const list = part(this, "messages");
    const focused = /** @type {HTMLElement | null} */ (list.contains(document.activeElement) ? document.activeElement : null);
    const at = focused ? this.#all.findIndex((element) => element.contains(focused)) : -1;
    const fresh = this.#arrange(list, messages);
    messages.forEach((message) => this.#drawn.get(message.id)?.render(message, now));
    if (focused) this.#refocus(focused, this.#all[at] ?? this.#all.at(-1) ?? null);
    this.#drawQueued(state.queued, now.online);
    this.#begin(messages, fresh);
    this.#end?.follow();
    this.#watchTop(state.messages[0]);
    if (this.dataset.found) this.#reveal(this.dataset.found);
  }

  /** @param {{ id: string, parent: string | null } | undefined} first */
  #watchTop(first) {
    if (first?.id === this.#first) return;
    this.#first = first?.id;
    const button = part(this, "earlier");
    button.hidden = !first?.parent;
    // Seen anew, it is told of where it is now.
    this.#top.disconnect();
    if (!button.hidden) this.#top.observe(button);
  }

  /** Draws everything, for paper. */
  unveil() {
    this.#drawn.forEach((message) => message.unveil());
  }

  /** Opens the last question for editing. */
  editLast() {
    this.#all.findLast((element) => element.querySelector('article[data-role="user"]'))?.edit();
  }

  /** Every message that is drawn, in order. @returns {ChatMessage[]} */
  get #all() {
    return [...part(this, "messages").querySelectorAll("chat-message")];
  }

  /** Whose control has gone is at the one like it in what stands there now, or at that itself. @param {HTMLElement} focused until now @param {Element | null} message */
  #refocus(focused, message) {
    const usable = (/** @type {HTMLElement | null | undefined} */ element) => element?.checkVisibility() && !element.matches(":disabled");
    if (!message || usable(focused)) return;
    const name = focused.dataset.action;
    const like = name ? action(message, name) : null;
    if (usable(like)) like.focus({ preventScroll: true });
    else focusOn(message.querySelector("article"));
  }

  /** Copies the last of what these buttons copy. @param {string} action @returns {boolean} whether there is one */
  copyLast(action) {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (
      this.querySelectorAll(`article[data-role="assistant"] [data-action="${action}"]:not([hidden])`)
    );
    const last = [...buttons].at(-1);
    last?.click();
    return Boolean(last);
  }

  /** Gives the focus to the message above or below the one that has it; from elsewhere, to the last. @param {number} by */
  step(by) {
    const articles = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("article")]);
    const at = articles.findIndex((article) => article.contains(document.activeElement));
    const article = at < 0 ? articles.at(-1) : articles[at + by];
    if (!article) return;
    this.#end?.show(/** @type {Element} */ (article.parentElement));
    focusOn(article);
  }

  /** Goes to what a search led to, once, and marks it for a moment. @param {string} id */
  #reveal(id) {
    delete this.dataset.found;
    const message = this.#drawn.get(id);
    const article = message?.querySelector("article");
    if (!message || !article) return;
    this.#end?.show(message);
    focusOn(article);
    article.toggleAttribute("data-found", true);
    setTimeout(() => article.toggleAttribute("data-found", false), MARKED);
  }

  /** @param {State["queued"]} queued @param {boolean} online */
  #drawQueued(queued, online) {
    const line = part(this, "queued");
    line.hidden = !queued;
    if (!queued) this.#countdown.stop();
    else this.#countdown.run(queued.waits, queued.waits?.seconds, (left) => write(line, words.queued(queued, online, left)));
  }

  /** Makes the elements those of the messages, in order. @returns {boolean} whether a question was added at the end */
  #arrange(/** @type {HTMLElement} */ list, /** @type {{ id: string, role: string }[]} */ messages) {
    const ids = new Set(messages.map(({ id }) => id));
    for (const [id, element] of this.#drawn) {
      if (ids.has(id)) continue;
      element.remove();
      this.#drawn.delete(id);
    }
    for (const stretch of [...list.children]) if (!stretch.firstElementChild) stretch.remove();
    let fresh = false;
    /** @type {ChatMessage | null} */ let previous = null;
    messages.forEach(({ id, role }, index) => {
      let element = this.#drawn.get(id);
      if (!element) {
        element = /** @type {ChatMessage} */ (clone("message-template"));
        this.#drawn.set(id, element);
        fresh ||= role === "user" && index >= messages.length - 2;
      }
      if (following(list, previous) !== element) place(list, element, previous);
      previous = element;
    });
    return fresh;
  }

  /** A new question goes to the top of the view, and its reply fills the room below it. */
  #begin(/** @type {{ id: string, role: string }[]} */ messages, /** @type {boolean} */ fresh) {
    const question = messages.findLast(({ role }) => role === "user");
    const element = (question && this.#drawn.get(question.id)) ?? null;
    if (element !== this.#question) {
      this.#ruler?.disconnect();
      if (element) this.#ruler?.observe(element);
      this.#question = element;
      this.#measure();
    }
    if (!fresh) return;
    this.toggleAttribute("data-asked", true);
    this.#end?.jump();
  }

  #measure() {
    this.style.setProperty("--question", `${this.#question?.offsetHeight ?? 0}px`);
  }
}

/** What stands after `previous`, or first of all. @param {Element} list @param {Element | null} previous */
function following(list, previous) {
  if (!previous) return list.firstElementChild?.firstElementChild ?? null;
  return previous.nextElementSibling ?? previous.parentElement?.nextElementSibling?.firstElementChild ?? null;
}

/**
 * Puts a message after `previous`, or first of all. Messages stand in stretches, which cost nothing while they are far from
 * the view: thousands of boxes that each look out for themselves would cost more than they save.
 * @param {Element} list @param {Element} element @param {Element | null} previous
 */
function place(list, element, previous) {
  const stretch = previous?.parentElement;
  if (previous && stretch && (previous.nextElementSibling || stretch.childElementCount < STRETCH)) {
    previous.after(element);
    return;
  }
  const next = document.createElement("div");
  next.append(element);
  if (stretch) stretch.after(next);
  else list.prepend(next);
}

/** @param {HTMLElement | null} article */
function focusOn(article) {
  if (!article) return;
  article.tabIndex = -1;
  article.focus({ preventScroll: true });
}

/** A queued frame as the message that it will be. @param {import("../protocol.js").Frame} frame */
function awaiting({ text, parent }) {
  return { id: QUEUED, parent, role: "user", status: QUEUED, text, reasoning: "", steps: [], siblings: [] };
}
