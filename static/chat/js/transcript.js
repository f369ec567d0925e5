// @ts-check
// A transcript in the admin that grows as its owner's page does. What it shows is the server's page; in it the text of
// the reply that is being written grows, and whatever else is new is fetched with the page. It only reads: what may be
// done is done by the page's forms.

import { isFinal } from "./branch.js";
import { Client } from "./client.js";
import { Outbox } from "./outbox.js";
import { memory } from "./storage.js";
import { active, initial } from "./store.js";

const THREAD = "[data-live-thread]";
const RELOADED = "chat:transcript:reloaded";
const PREFIX = "m-"; // of an article's id, before its message's
/** Milliseconds between two looks at the page, for a reply's steps may change often, and after one that failed. */
const BETWEEN = 1_000;
const AFTER_FAILURE = 10_000;

/** @typedef {import("./protocol.js").Message} Message */

class Transcript {
  #thread;
  #client;
  #due = false;
  #fetching = false;
  #next = 0; // when the page may be fetched again
  /** @type {string | null} of the reply that is being written, as the page has them */ #steps = null;

  /** @param {HTMLElement} thread */
  constructor(thread) {
    this.#thread = thread;
    const { conversation: id = "", user = "", protocol, socketUrl: url = "" } = thread.dataset;
    const state = initial({ conversation: { id, title: "" } });
    const outbox = new Outbox("", memory()); // Nothing is sent from here, and what the operator's own chat keeps is not touched.
    const about = { url, user, guest: "guest" in thread.dataset, protocol: Number(protocol), state, outbox };
    this.#client = new Client(about, {
      changed: () => this.#schedule(),
      connected: () => sessionStorage.removeItem(RELOADED),
      reload: () => this.#reload(),
      returned: () => {},
    });
    addEventListener("pagehide", () => this.#client.pause());
    addEventListener("pageshow", ({ persisted }) => persisted && this.#client.connect());
    addEventListener("online", () => this.#client.wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.#client.wake());
  }

  follow() {
    this.#client.connect();
  }

  /** The server's page knows better, but is asked once. */
  #reload() {
    if (sessionStorage.getItem(RELOADED) === location.pathname) return false;
    sessionStorage.setItem(RELOADED, location.pathname);
    location.reload();
    return true;
  }

  #schedule() {
    if (this.#due) return;
    this.#due = true;
    // Not by frames: a tab that is not seen is to be right when it is.
    setTimeout(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #draw() {
    const { state } = this.#client;
    const reply = active(state);
    this.#tell(reply);
    if (state.gone || this.#isBehind()) this.#renew();
    if (reply) this.#grow(reply);
  }

  /** Whether the page lacks a message, or shows one as another than it is by now. */
  #isBehind() {
    const last = this.#client.state.messages.at(-1);
    if (!last) return false;
    const article = this.#article(last.id);
    if (!article || "live" in article.dataset === isFinal(last)) return true;
    if (isFinal(last) || article.matches(":focus-within, :has(.chat-stop[open])")) return false; // Somebody is at work in it.
    this.#steps ??= steps(last);
    return this.#steps !== steps(last) || Boolean(last.reasoning && !article.querySelector("[data-part=reasoning]"));
  }

  /** @param {Message} reply */
  #grow(reply) {
    for (const part of /** @type {const} */ (["text", "reasoning"])) {
      const place = this.#article(reply.id)?.querySelector(`[data-part=${part}]`);
      if (place) append(place, reply[part]);
    }
  }

  /** @param {Message | null} reply */
  #tell(reply) {
    const note = /** @type {HTMLElement} */ (document.querySelector("[data-live-note]"));
    const { messages, connection } = this.#client.state;
    if (reply) note.hidden = false;
    if (connection.status === "waiting" || connection.status === "ended") note.dataset.liveNote = "lost";
    else if (messages.length) note.dataset.liveNote = reply ? "live" : "ended";
  }

  /** Fetch the page, and take over what is new in it. */
  async #renew() {
    if (this.#fetching) return;
    this.#fetching = true;
    await new Promise((resolve) => setTimeout(resolve, this.#next - performance.now()));
    this.#next = performance.now() + BETWEEN;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.status >= 500) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const thread = page.querySelector(THREAD);
      if (!thread) {
        // It is not to be followed any more: the page says why.
        this.#client.pause();
        this.#reload();
        return;
      }
      this.#take(thread);
    } catch {
      this.#next = performance.now() + AFTER_FAILURE;
    }
    this.#fetching = false;
    this.#schedule();
  }

  /** What has ended stays as it is, with whatever somebody does in it. @param {Element} thread */
  #take(thread) {
    const articles = [...thread.querySelectorAll("article")];
    const ids = new Set(articles.map(({ id }) => id));
    this.#thread.querySelector(":scope > .chat-hidden")?.remove(); // "Nothing was said yet."
    for (const old of this.#thread.querySelectorAll("article")) if (!ids.has(old.id)) old.remove();
    /** @type {Element | null} */
    let before = null;
    for (const article of articles) {
      const old = this.#article(article.id.slice(PREFIX.length));
      const stays = old && !("live" in old.dataset);
      if (!stays) this.#put(article, old, before);
      before = stays ? old : article;
    }
    const last = this.#client.state.messages.at(-1);
    this.#steps = last ? steps(last) : null;
  }

  /** @param {HTMLElement} article @param {HTMLElement | null} old @param {Element | null} before */
  #put(article, old, before) {
    const hadFocus = old?.contains(document.activeElement);
    if (old) {
      old.replaceWith(article);
      text(article)?.succeed?.(text(old));
    } else if (before) before.after(article);
    else this.#thread.append(article);
    if (hadFocus) {
      article.tabIndex = -1;
      article.focus({ preventScroll: true });
    }
  }

  /** @param {string} id @returns {HTMLElement | null} */
  #article(id) {
    return this.#thread.querySelector(`#${PREFIX}${id}`);
  }
}

/** What draws a reply, with its script (`elements/reply-text.js`). @param {Element} article @returns {any} */
const text = (article) => article.querySelector("reply-text");

/** What there is to tell of a reply's steps. @param {Message} message */
const steps = ({ steps }) => steps.map(({ id, status }) => `${id} ${status}`).join();

/** @param {Element} place @param {string} text */
function append(place, text) {
  const [node, more] = place.childNodes;
  if (!more && node instanceof Text) {
    if (node.data.startsWith(text)) return; // The page was made a moment later.
    if (text.startsWith(node.data)) return node.appendData(text.slice(node.data.length));
  }
  place.replaceChildren(text);
}

const thread = /** @type {HTMLElement | null} */ (document.querySelector(THREAD));
if (thread) new Transcript(thread).follow();
