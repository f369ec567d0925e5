// @ts-check
// <chat-app>: the page as a whole. What its elements ask for goes to the client; what the client shows goes to them,
// once in each frame.

import { late } from "./late.js";
import { asked, lasting as part, openDialog, say, write } from "./parts.js";
import { Client } from "../client.js";
import { Drafts, NEW } from "../drafts.js";
import { Http } from "../http.js";
import { Outbox } from "../outbox.js";
import { composes } from "../shortcuts.js";
import { storage } from "../storage.js";
import { initial } from "../store.js";
import { Unread } from "../unread.js";
import * as words from "../words.js";

const RELOADED = "chat:reloaded";

/** The list is asked for so often where it changes while it is on its way. */
const ASKED = 3;

/** A list that is not up to date tells of no end: another tab may have shown it. @type {any[]} */
const UNKNOWN = [];

/** What its own buttons ask for as the keys do. */
const SAID = new Set(["palette", "help", "sidebar"]);

export class ChatApp extends HTMLElement {
  /** @type {Client} */ // @ts-ignore set when connected
  #client;
  /** @type {Http} */ // @ts-ignore set when connected
  #http;
  /** @type {Unread} */ // @ts-ignore set when connected
  #unread;
  #due = false;
  /** @type {import("../store.js").State["refusal"]} as it is drawn */ #refusal = null;
  #fetching = false;
  /** @type {Promise<void> | null} */ #listing = null;
  /** @type {Promise<boolean | null>} whether it worked */ #choice = Promise.resolve(true);
  #path = location.pathname;

  connectedCallback() {
    const { user = "", protocol, conversation: id, title = "", model, assistant } = this.dataset;
    const { listUrl: list = "", conversationUrl = "", themeUrl: theme = "", socketUrl: url = "" } = this.dataset;
    const token = /** @type {HTMLInputElement} */ (this.querySelector("[name=csrfmiddlewaretoken]")).value;
    this.#http = new Http({ list, conversation: conversationUrl, theme, token });
    this.#unread = new Unread(user, storage("localStorage"));
    const state = initial({
      conversation: id ? { id, title, model, assistant } : null,
      messages: data("page-messages"),
      list: data("page-list"),
    });
    const kept = storage("sessionStorage");
    const [outbox, drafts] = [new Outbox(user, kept), new Drafts(user, kept)];
    this.#adopt(drafts, kept, state.entries);
    for (const name of ["composer", "thread"]) part(this, name).drafts = drafts;
    const about = { url, user, guest: "guest" in this.dataset, protocol: Number(protocol), state, outbox, unmade: history.state?.unmade };
    this.#client = new Client(about, this.#page(drafts, kept));
    this.#listen(outbox, drafts);
    this.#draw();
    this.#client.connect();
  }

  /** What a guest left unsent in this tab, before they signed in. @param {Drafts} drafts @param {Storage} kept @param {{ id: string }[]} entries */
  #adopt(drafts, kept, entries) {
    const { formerly } = this.dataset;
    if (!formerly) return;
    const letters = new Outbox(formerly, kept).empty();
    drafts.adopt(new Drafts(formerly, kept), letters, entries.map(({ id }) => id));
  }

  /** What the client may do to the page. @param {Drafts} drafts @param {Storage} kept @returns {import("../client.js").Page} */
  #page(drafts, kept) {
    return {
      // A text that comes back is in its box, and so in the draft, before its letter is forgotten.
      changed: ({ refusal }) => (refusal === this.#refusal ? this.#schedule() : this.#draw()),
      connected: () => {
        kept.removeItem(RELOADED);
        this.#list(null).catch(() => {}); // It stays as it was; the next reconnect asks again.
      },
      reload: (reason) => {
        const reasons = JSON.parse(kept.getItem(RELOADED) ?? "[]");
        if (reasons.includes(reason)) return false;
        try {
          sessionStorage.setItem(RELOADED, JSON.stringify([...reasons, reason]));
        } catch {
          return false; // Else each page would load another.
        }
        location.reload();
        return true;
      },
      returned: (conversation, text) => this.#giveBack(drafts, conversation, text),
    };
  }

  /** To the draft of its conversation, or of a new one where there is none. @param {Drafts} drafts @param {string | null} conversation @param {string} text */
  #giveBack(drafts, conversation, text) {
    const { entries, made } = this.#client.state;
    const place = entries.find(({ id }) => id === conversation)?.id ?? NEW;
    if (place === NEW && !made) part(this, "composer").giveBack(text);
    else drafts.giveBack(place, text);
  }

  /** @param {Outbox} outbox @param {Drafts} drafts */
  #listen(outbox, drafts) {
    const client = this.#client;
    /** @type {Record<string, (detail: any, target: any) => void>} */
    const asks = {
      send: ({ text, ...how }) => this.#send(text, how),
      stop: () => client.stop(),
      regenerate: ({ message, model }) => client.regenerate(message, model),
      "retry-with": ({ message, button }) => this.#late("retry", (menu) => menu.open(message, button)),
      choose: (chosen) => this.#choose(chosen),
      continue: ({ message }) => client.proceed(message),
      select: ({ message }) => client.select(message),
      dismiss: () => client.dispatch({ type: "page:dismiss" }),
      wake: () => client.wake(),
      earlier: ({ asked }) => this.#earlier(asked),
      more: ({ asked }) => this.#more(asked),
      menu: (_, button) => this.#late("conversation-menu", (menu) => menu.open(button)),
      rename: (_, item) => this.#late("conversation-menu", (menu) => menu.rename(item)),
      renamed: () => part(this, "sidebar").refresh(),
      change: ({ conversation, fields }) => this.#try(this.#http.change(conversation, fields)),
      delete: ({ conversation }) => this.#delete(conversation),
      restore: ({ entry }) => this.#restore(entry),
      forgotten: () => this.#draw(),
      new: () => part(this, "new-chat").click(),
      palette: () => this.#palette(),
      help: () => this.#try(part(this, "keyboard").open()),
      sidebar: () => part(this, "sidebar").toggle(),
      compose: () => part(this, "composer").focus(),
      "rename-shown": ({ conversation }) => this.#rename(conversation),
      theme: ({ theme }) => this.#theme(theme),
      "copy-last": () => this.#copy("copy"),
      "copy-last-code": () => this.#copy("copy-code"),
      "previous-message": () => part(this, "thread").step(-1),
      "next-message": () => part(this, "thread").step(1),
      "edit-last": () => part(this, "thread").editLast(),
    };
    for (const [name, act] of Object.entries(asks)) {
      this.addEventListener(`chat:${name}`, (event) => act(/** @type {CustomEvent} */ (event).detail, event.target));
    }
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name === "suggest") this.#send(clicked.button.textContent?.trim() ?? "");
      else if (clicked?.name === "undo") part(this, "undo").undo();
      else if (SAID.has(clicked?.name ?? "")) say(this, clicked?.name ?? "");
    });
    addEventListener("online", () => client.wake());
    // A footnote's link changes the address too, but not the page.
    addEventListener("popstate", () => location.pathname !== this.#path && location.reload());
    addEventListener("storage", () => this.#schedule()); // What another tab has shown is read here, too.
    addEventListener("beforeprint", () => this.#print());
    addEventListener("pagehide", () => client.pause());
    // As it was left, in a tab whose other pages may have written since.
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted && (outbox.isForeign || drafts.isForeign)) location.reload();
      else if (persisted) client.connect();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#look();
      this.#draw();
    });
  }

  /** Somebody looks at the page again: a bell may have been lost meanwhile. */
  #look() {
    const { status } = this.#client.state.connection;
    this.#client.wake();
    if (status === "open") this.#list(null).catch(() => {}); // Else with the welcome.
  }

  /** @param {string} name of a menu @param {(menu: any) => void} act */
  async #late(name, act) {
    const menu = part(this, name);
    if (await this.#try(late(menu))) act(menu);
  }

  /** What is typed while its script is on its way is in its box already. */
  async #palette() {
    const [palette, dialog] = [part(this, "palette"), part(this, "palette-dialog")];
    let entered = false;
    const hear = (/** @type {KeyboardEvent} */ event) => (entered ||= event.key === "Enter" && !composes(event));
    openDialog(dialog);
    dialog.addEventListener("keydown", hear);
    const there = await this.#try(late(palette));
    dialog.removeEventListener("keydown", hear);
    if (!there) dialog.close();
    else if (dialog.open) palette.fill(this.#client.state, (/** @type {string} */ id) => this.#http.address(id), entered);
  }

  /** @param {string} action of the buttons that copy this */
  #copy(action) {
    part(this, "voice").tell(part(this, "thread").copyLast(action) ? words.COPIED : words.NOTHING_TO_COPY);
  }

  /** @param {string} text @param {{ parent?: string | null }} how */
  #send(text, how = {}) {
    // A character is two units at most. One that is longer still would end the socket, as often as it is sent.
    if (text.length > 2 * Number(part(this, "composer").dataset.limitCharacters)) {
      this.#client.dispatch({ type: "page:refused", text, code: "too_long" });
      return;
    }
    this.#client.send(text, how);
    const { conversation, made } = this.#client.state;
    // Who loads the page again, before it is made, finds the message in the outbox.
    if (!made) history.replaceState({ unmade: conversation }, "");
    // On a touch screen the focus would bring the keyboard up over the reply.
    if (matchMedia("(pointer: fine)").matches) part(this, "composer").focus();
  }

  /** @param {boolean} loud whether a person waits for it */
  async #earlier(loud) {
    const { conversation, messages } = this.#client.state;
    if (this.#fetching || !conversation || !messages.length) return;
    this.#fetching = true;
    const fetching = this.#http
      .earlier(conversation, messages[0].seq)
      .then((found) => this.#client.dispatch({ type: "page:earlier", messages: found.messages }));
    await (loud ? this.#try(fetching) : fetching.catch(() => {})); // There is a button to try again.
    this.#fetching = false;
  }

  /**
   * A page of the list: the one that follows where it is known to, or the first, for what was told while there was no
   * socket. What the socket tells meanwhile is newer than the answer, which is then asked for anew.
   * @param {import("../list.js").Edge | null} more
   */
  async #list(more) {
    for (let left = ASKED; ; left -= 1) {
      const { entries } = this.#client.state;
      const list = await this.#http.list(more?.cursor);
      if (entries !== this.#client.state.entries && left > 1) continue;
      this.#client.dispatch({ type: "page:list", list, after: more?.last ?? null });
      return;
    }
  }

  /** Who answers from now on. @param {Record<string, string>} chosen `model` or `assistant` */
  async #choose(chosen) {
    const { conversation, made, model, assistant } = this.#client.state;
    this.#client.dispatch({ type: "page:choose", chosen });
    if (!conversation || !made) return;
    // One after the other: in the end the last one stands.
    const choice = this.#choice.then(() => this.#try(this.#http.change(conversation, chosen)));
    this.#choice = choice;
    const works = await choice;
    if (choice !== this.#choice) return;
    if (!works) {
      this.#client.dispatch({ type: "page:choose", chosen: { model, assistant } });
    }
    this.#client.dispatch({ type: "page:chosen" });
  }

  /** @param {boolean} loud whether a person waits for it */
  async #more(loud) {
    const { more } = this.#client.state;
    if (!more) return;
    this.#listing ??= this.#list(more).finally(() => (this.#listing = null));
    await (loud ? this.#try(this.#listing) : this.#listing.catch(() => {})); // There is a button to try again.
  }

  /** The entry of a conversation, for which the list is fetched as far as it must be. @param {string} conversation */
  async #entry(conversation) {
    for (;;) {
      const { entries, more } = this.#client.state;
      const entry = entries.find(({ id }) => id === conversation);
      if (entry || !more) return entry;
      await this.#more(true);
      if (this.#client.state.more === more) return undefined; // It could not be fetched.
    }
  }

  /** @param {string} conversation */
  async #rename(conversation) {
    if (!(await this.#entry(conversation))) return;
    this.#draw();
    part(this, "sidebar").rename(conversation);
  }

  /** @param {string} theme */
  async #theme(theme) {
    if (await this.#try(this.#http.theme(theme))) document.documentElement.dataset.theme = theme;
  }

  /** @param {string} conversation */
  async #delete(conversation) {
    const entry = await this.#entry(conversation);
    const undo = part(this, "undo");
    // First of all what can undo it.
    if (!entry || !(await this.#try(late(undo))) || !(await this.#try(this.#http.delete(conversation)))) return;
    this.#client.dispatch({ type: "conversation", conversation: { ...entry, deleted: true } });
    undo.show(entry);
  }

  /** @param {import("../protocol.js").Entry} entry as it was */
  async #restore(entry) {
    const back = await this.#try(this.#http.restore(entry.id), words.TOO_LATE);
    if (back) this.#client.dispatch({ type: "conversation", conversation: { ...entry, active: false } });
    else if (back === false) part(this, "undo").show(entry);
    this.#draw();
    if (!back || document.activeElement !== document.body) return;
    if (entry.id === this.#client.state.conversation) part(this, "composer").focus();
    else part(this, "sidebar").focusOn(entry.id);
  }

  /** @param {Promise<unknown>} change @param {string} gone why, if it is not found @returns {Promise<boolean | null>} whether it worked, null where it cannot */
  async #try(change, gone = words.refusal("not_found")) {
    try {
      await change;
      return true;
    } catch (error) {
      const { status } = /** @type {any} */ (error);
      const missing = status === 404;
      // Who has signed in anew in another tab has another token.
      const why = status === 403 ? words.refusal("") : words.FAILED_CHANGE;
      write(part(this, "failure-text"), missing ? gone : why);
      part(this, "failure").showPopover();
      return missing && null;
    }
  }

  /** All that is loaded goes on paper, with a line at the foot of each sheet that says of what. */
  #print() {
    part(this, "thread").unveil();
    const line = words.printed(this.#client.state.title || words.UNTITLED, new Date());
    document.documentElement.style.setProperty("--printed", JSON.stringify(line));
  }

  #schedule() {
    if (this.#due) return;
    this.#due = true;
    // A hidden tab has no frames, yet its title must tell of a reply.
    if (document.hidden) setTimeout(() => this.#draw(), 200);
    else requestAnimationFrame(() => this.#draw());
  }

  /** A new chat has an address from when the server has it. */
  #address() {
    const { conversation, made } = this.#client.state;
    if (!made || !conversation || this.#path === this.#http.address(conversation)) return;
    history.pushState(null, "", this.#http.address(conversation));
    this.#path = location.pathname;
  }

  /** Whose control is gone is at what stands in its place, not nowhere. @param {Element | null} focused until now @param {boolean} undoable since now */
  #refocus(focused, undoable) {
    const [composer, gone] = [part(this, "composer"), part(this, "gone")];
    // The socket may tell of the deletion before the answer to it does.
    const leaves = composer.contains(focused) || (undoable && gone.contains(focused));
    if (this.#client.state.gone && leaves) gone.querySelector("button:not([hidden]), a").focus();
    else if (gone.hidden && gone.contains(focused)) composer.focus();
  }

  #draw() {
    this.#due = false;
    const { state } = this.#client;
    this.#refusal = state.refusal;
    const focused = document.activeElement;
    this.#address();
    this.toggleAttribute("data-empty", !state.messages.length && !state.queued && !state.gone);
    write(part(this, "page-title"), state.title || words.UNTITLED);
    part(this, "gone").hidden = !state.gone;
    const undo = part(this, "gone-undo");
    const before = undo.hidden;
    undo.hidden = part(this, "undo").entry?.id !== state.conversation;
    part(this, "thread").render(state);
    part(this, "composer").render(state);
    part(this, "picker")?.render(state); // It is not there where there is no choice.
    part(this, "connection").render(state);
    part(this, "voice").render(state);
    part(this, "sidebar").render(state, {
      address: (/** @type {string} */ id) => this.#http.address(id),
      unread: this.#unread.look(state.current ? state.entries : UNKNOWN, document.hidden || state.gone ? null : state.conversation),
    });
    this.#refocus(focused, before && !undo.hidden);
  }
}

/** What the server put into the page. @param {string} id */
const data = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
