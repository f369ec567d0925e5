// @ts-check
// <chat-sidebar>: the list of conversations in its sections, kept as the server tells it. On a phone it is a drawer.

import { byArrows } from "./menu.js";
import { action, asked, clone, part, say, write } from "./parts.js";
import { pressed } from "../shortcuts.js";
import { sections, untilMidnight } from "../sections.js";
import * as words from "../words.js";

/** @typedef {import("../protocol.js").Entry} Entry */
/** @typedef {{ address: (id: string) => string, unread: Set<string> }} About the conversations */

/** Where the list is a drawer. */
const NARROW = matchMedia("(width < 48rem)");

/** Seconds that the server is reminded for of the reader's time zone, and of whether they hide the list. */
const YEAR = 365 * 24 * 60 * 60;

/** Keys that go through the list, and from an index of so many where to. @type {Record<string, (at: number, count: number) => number>} */
const MOVES = {
  ArrowUp: (at) => at - 1,
  ArrowDown: (at) => at + 1,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export class ChatSidebar extends HTMLElement {
  /** @type {any[]} what is drawn */ #drawn = [];
  /** @type {[import("../store.js").State, About] | null} */ #last = null;
  /** @type {string | null} */ #current = null;
  /** @type {any} */ #midnight;
  /** @type {IntersectionObserver} */ // @ts-ignore set when connected
  #end;

  connectedCallback() {
    const list = part(this, "conversations");
    this.#end = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && say(this, "more", { asked: false }), {
      root: list,
      rootMargin: "400px",
    });
    this.addEventListener("click", (event) => {
      const clicked = asked(event);
      if (clicked?.name === "menu") say(clicked.button, "menu");
      else if (clicked?.name === "more") say(this, "more", { asked: true });
    });
    list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    remember("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
    byArrows(part(this, "me-menu"));
  }

  /** @param {import("../store.js").State} state @param {About} about */
  render(state, about) {
    this.#last = [state, about];
    const { entries, conversation, more } = state;
    const now = new Date();
    const drawn = [entries, conversation, more, now.toDateString(), about.unread];
    const changed = drawn.some((value, index) => value !== this.#drawn[index]);
    if (!changed || part(this, "rename")) return; // An entry that moved would lose the title being typed.
    const another = conversation !== this.#current || !this.#drawn.length;
    this.#drawn = drawn;
    this.#current = conversation;
    this.#draw(sections(entries, now), about);
    part(this, "no-conversations").hidden = entries.length > 0;
    if (another) reveal(part(this, "conversations"));
    this.#watch(more !== null);
    clearTimeout(this.#midnight);
    this.#midnight = setTimeout(() => this.refresh(), untilMidnight(now));
  }

  /** Draws what there is, where something other than the state has changed. */
  refresh() {
    if (this.#last) this.render(...this.#last);
  }

  /** Gives the focus to an entry. @param {string} conversation */
  focusOn(conversation) {
    const item = this.#item(conversation);
    if (item) part(item, "link").focus();
  }

  /** Shows the list, or hides it: on a phone as a drawer, else as this browser remembers it. */
  toggle() {
    if (NARROW.matches) return part(this, "drawer").togglePopover();
    const app = /** @type {HTMLElement} */ (this.closest("chat-app"));
    const inside = this.contains(document.activeElement);
    const closed = app.toggleAttribute("data-list-closed");
    remember("list", closed ? "closed" : "open");
    if (closed && inside) part(app, "show-list").focus();
    else if (!closed && document.activeElement === part(app, "show-list")) part(this, "hide-list").focus();
  }

  /** Lets the title of a conversation be typed, which it shows the list for. @param {string} conversation */
  rename(conversation) {
    const hidden = NARROW.matches ? !part(this, "drawer").matches(":popover-open") : this.closest("[data-list-closed]");
    if (hidden) this.toggle();
    const item = this.#item(conversation);
    if (item) say(item, "rename");
  }

  /** @param {string} conversation */
  #item(conversation) {
    return keyed(part(this, "conversations"), "conversation", "id").get(conversation);
  }

  /** @param {import("../sections.js").Section[]} found @param {About} about */
  #draw(found, about) {
    const list = part(this, "conversations");
    const focused = /** @type {HTMLElement | null} */ (list.contains(document.activeElement) ? document.activeElement : null);
    const links = this.#links();
    const at = links.findIndex((link) => link.closest("li")?.contains(focused));
    const boxes = keyed(list, "section", "key");
    const items = keyed(list, "conversation", "id");
    const there = new Set(found.flatMap(({ entries }) => entries.map((entry) => entry.id)));
    for (const [gone, item] of items) if (!there.has(gone)) item.remove();
    place(
      list,
      found.map(({ key, entries }) => {
        const box = boxes.get(key) ?? section(key);
        place(
          part(box, "entries"),
          entries.map((entry) => draw(items.get(entry.id) ?? clone("conversation-template"), entry, about, this.#current)),
        );
        return box;
      }),
    );
    for (const [key, box] of boxes) if (!found.some((other) => other.key === key)) box.remove();
    // Who moves loses the focus; who goes leaves it to the next.
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    else if (focused) (links.slice(at).find((link) => link.isConnected) ?? this.#links().at(-1) ?? part(this, "new-chat")).focus();
  }

  /** Has the next page fetched when the reader comes near the end. @param {boolean} more */
  #watch(more) {
    const button = action(this, "more");
    const waiting = document.activeElement === button;
    button.hidden = !more;
    this.#end.disconnect();
    if (more) this.#end.observe(button);
    else if (waiting) this.#links().at(-1)?.focus();
  }

  /** @returns {HTMLElement[]} */
  #links() {
    return [...part(this, "conversations").querySelectorAll('[data-part="link"]')];
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const item = /** @type {HTMLElement} */ (event.target).closest("li");
    if (!item || part(item, "rename") || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const links = this.#links();
    const move = Object.hasOwn(MOVES, event.key) ? MOVES[event.key] : null;
    if (move) links[move(links.indexOf(part(item, "link")), links.length)]?.focus();
    else if (pressed("rename", event)) say(item, "rename");
    else return;
    event.preventDefault();
  }
}

/** Tells the server with the next page. @param {string} name @param {string} value */
function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
}

/** The parts of this name, by what tells them apart. @param {HTMLElement} list @param {string} name @param {string} key @returns {Map<string, HTMLElement>} */
function keyed(list, name, key) {
  /** @type {NodeListOf<HTMLElement>} */
  const found = list.querySelectorAll(`[data-part="${name}"]`);
  return new Map([...found].map((element) => [element.dataset[key] ?? "", element]));
}

/** Makes these the first children, in this order, and moves no more than it must. @param {HTMLElement} parent @param {HTMLElement[]} children */
function place(parent, children) {
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

/** @param {string} key @returns {HTMLElement} */
function section(key) {
  const box = clone("section-template");
  const name = part(box, "section-name");
  box.dataset.key = key;
  name.id = `section-${key}`;
  box.setAttribute("aria-labelledby", name.id);
  write(name, words.section(key));
  return box;
}

/** @param {HTMLElement} item @param {Entry} entry @param {About} about @param {string | null} current */
function draw(item, { id, title, active, pinned }, { address, unread }, current) {
  const link = part(item, "link");
  item.dataset.id = id;
  item.dataset.active = String(active);
  item.toggleAttribute("data-pinned", pinned);
  item.toggleAttribute("data-unread", unread.has(id));
  link.href = address(id);
  if (id === current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  write(part(item, "title"), title || words.UNTITLED);
  part(item, "live").hidden = !active;
  part(item, "unread").hidden = active || !unread.has(id);
  action(item, "menu").ariaLabel = words.more(title || words.UNTITLED);
  return item;
}

/** Scrolls the list, and nothing else, to the current entry. @param {HTMLElement} list */
function reveal(list) {
  const item = list.querySelector("[aria-current]")?.closest("li");
  if (item) list.scrollTop = Math.max(list.scrollTop, item.offsetTop + item.offsetHeight - list.clientHeight);
}
