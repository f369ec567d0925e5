// @ts-check
// <chat-app>: the page as a whole. What its elements ask for goes to the client; what the client shows goes to them,
// once in each frame.

import { asked, part, write } from "./parts.js";
import { Client } from "../client.js";
import { Drafts } from "../drafts.js";
import { Http } from "../http.js";
import { Outbox } from "../outbox.js";
import { initial } from "../store.js";
import * as words from "../words.js";

const RELOADED = "chat:reloaded";

export class ChatApp extends HTMLElement {
  /** @type {Client} */ // @ts-ignore set when connected
  #client;
  /** @type {Http} */ // @ts-ignore set when connected
  #http;
  #due = false;
  #fetching = false;
  #path = location.pathname;

  connectedCallback() {
    const { user = "", protocol, conversation: id, title = "", model, assistant } = this.dataset;
    const { listUrl: list = "", conversationUrl = "" } = this.dataset;
    const token = /** @type {HTMLInputElement} */ (this.querySelector("[name=csrfmiddlewaretoken]")).value;
    this.#http = new Http({ list, conversation: conversationUrl, token });
    const state = initial({
      conversation: id ? { id, title, model, assistant } : null,
      messages: data("page-messages"),
      entries: data("page-conversations"),
    });
    const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${this.dataset.socketUrl}`;
    const [outbox, drafts] = [new Outbox(user, sessionStorage), new Drafts(user, sessionStorage)];
    this.#adopt(drafts, state.entries);
    part(this, "composer").drafts = drafts;
    const guest = "guest" in this.dataset;
    this.#client = new Client({ url, user, guest, protocol: Number(protocol), state, outbox }, this.#page(drafts));
    this.#listen();
    this.#draw();
    this.#client.connect();
  }

  /** What a guest left unsent in this tab, before they signed in. @param {Drafts} drafts @param {{ id: string }[]} entries */
  #adopt(drafts, entries) {
    const { formerly } = this.dataset;
    if (!formerly) return;
    const letters = new Outbox(formerly, sessionStorage).empty();
    drafts.adopt(new Drafts(formerly, sessionStorage), letters, entries.map(({ id }) => id));
  }

  /** What the client may do to the page. @param {Drafts} drafts @returns {import("../client.js").Page} */
  #page(drafts) {
    return {
      changed: () => this.#schedule(),
      connected: () => {
        sessionStorage.removeItem(RELOADED);
        this.#refresh();
      },
      reload: (reason) => {
        const reasons = JSON.parse(sessionStorage.getItem(RELOADED) ?? "[]");
        if (reasons.includes(reason)) return false;
        sessionStorage.setItem(RELOADED, JSON.stringify([...reasons, reason]));
        location.reload();
        return true;
      },
      returned: (conversation, text) => drafts.giveBack(conversation, text),
    };
  }

  #listen() {
    const client = this.#client;
    /** @type {Record<string, (detail: any, target: any) => void>} */
    const asks = {
      send: ({ text, ...how }) => this.#send(text, how),
      stop: () => client.stop(),
      regenerate: ({ message, model }) => client.regenerate(message, model),
      "retry-with": ({ message, button }) => part(this, "retry").aim(message, button),
      choose: (chosen) => this.#choose(chosen),
      continue: ({ message }) => client.proceed(message),
      select: ({ message }) => client.select(message),
      dismiss: () => client.dispatch({ type: "page:dismiss" }),
      wake: () => client.wake(),
      earlier: () => this.#earlier(),
      menu: ({ conversation }, button) => part(this, "conversation-menu").open(conversation, button),
      rename: ({ conversation, title }) => this.#try(this.#http.rename(conversation, title)),
      delete: ({ conversation }) => this.#delete(conversation),
      "edit-last": () => part(this, "thread").editLast(),
    };
    for (const [name, act] of Object.entries(asks)) {
      this.addEventListener(`chat:${name}`, (event) => act(/** @type {CustomEvent} */ (event).detail, event.target));
    }
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name === "suggest") this.#send(clicked.button.textContent?.trim() ?? "");
    });
    addEventListener("online", () => client.wake());
    // A footnote's link changes the address too, but not the page.
    addEventListener("popstate", () => location.pathname !== this.#path && location.reload());
    addEventListener("pagehide", () => client.pause());
    addEventListener("pageshow", ({ persisted }) => persisted && client.connect());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) client.wake();
      this.#draw();
    });
  }

  /** @param {string} text @param {{ parent?: string | null }} how */
  #send(text, how = {}) {
    this.#client.send(text, how);
    const { conversation, made } = this.#client.state;
    const address = conversation && this.#http.address(conversation);
    if (address && !made && location.pathname !== address) history.pushState(null, "", address);
    this.#path = location.pathname;
    // On a touch screen the focus would bring the keyboard up over the reply.
    if (matchMedia("(pointer: fine)").matches) part(this, "composer").focus();
  }

  async #earlier() {
    const { conversation, messages } = this.#client.state;
    if (this.#fetching || !conversation || !messages.length) return;
    this.#fetching = true;
    await this.#try(
      this.#http
        .earlier(conversation, messages[0].seq)
        .then((found) => this.#client.dispatch({ type: "page:earlier", messages: found.messages })),
    );
    this.#fetching = false;
  }

  /** What was told while there was no socket is in the list. */
  async #refresh() {
    try {
      const { conversations } = await this.#http.list();
      this.#client.dispatch({ type: "page:list", entries: conversations });
    } catch {
      // The list stays as it was; the next reconnect asks again.
    }
  }

  /** Who answers from now on. @param {Record<string, string>} chosen `model` or `assistant` */
  async #choose(chosen) {
    const { conversation, made, model, assistant } = this.#client.state;
    this.#client.dispatch({ type: "page:choose", chosen });
    if (!conversation || !made) return;
    if (!(await this.#try(this.#http.choose(conversation, chosen)))) {
      this.#client.dispatch({ type: "page:choose", chosen: { model, assistant } });
    }
    this.#client.dispatch({ type: "page:chosen" });
  }

  /** @param {string} conversation */
  async #delete(conversation) {
    if (!(await this.#try(this.#http.delete(conversation)))) return;
    if (conversation === this.#client.state.conversation) location.assign(this.dataset.newUrl ?? "/");
  }

  /** @param {Promise<unknown>} change @returns {Promise<boolean>} whether it worked */
  async #try(change) {
    try {
      await change;
      return true;
    } catch {
      write(part(this, "failure-text"), words.FAILED_CHANGE);
      part(this, "failure").showPopover();
      return false;
    }
  }

  #schedule() {
    if (this.#due) return;
    this.#due = true;
    // A hidden tab has no frames, yet its title must tell of a reply.
    if (document.hidden) setTimeout(() => this.#draw(), 200);
    else requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#due = false;
    const { state } = this.#client;
    this.toggleAttribute("data-empty", !state.messages.length && !state.queued && !state.gone);
    write(part(this, "page-title"), state.title || words.UNTITLED);
    part(this, "gone").hidden = !state.gone;
    part(this, "thread").render(state);
    part(this, "composer").render(state);
    part(this, "picker")?.render(state); // It is not there where there is no choice.
    part(this, "connection").render(state);
    part(this, "voice").render(state);
    part(this, "sidebar").render(state, (/** @type {string} */ id) => this.#http.address(id));
  }
}

/** What the server put into the page. @param {string} id */
const data = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "[]");
