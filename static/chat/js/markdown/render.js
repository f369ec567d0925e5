// @ts-check
// Tokens → DOM nodes. No string becomes markup: elements are made by name, or cloned from the page's templates.

import { figure } from "./code.js";
import { decode } from "./entities.js";
import { lead, misleads, target } from "./links.js";
import { formula } from "./math.js";
import * as words from "../words.js";

/** @typedef {import("./lexer.js").Token} Token */
/** @typedef {import("./notes.js").Notes} Notes */
/** @typedef {{ code: HTMLTemplateElement, image: HTMLTemplateElement }} Templates */

const DEEPEST_HEADING = 6;

export class Renderer {
  #page;
  #templates;
  #name;
  /** @type {Notes} */ #notes;
  #inLink = false;

  /** @param {Document} page @param {Templates} templates @param {string} name begins the ids of footnotes @param {Notes} notes */
  constructor(page, templates, name, notes) {
    this.#page = page;
    this.#templates = templates;
    this.#name = name;
    this.#notes = notes;
  }

  /** @param {Token} token @returns {HTMLElement | null} null for what shows nothing where it stands */
  block(token) {
    const draw = BLOCKS[token.type];
    return draw ? draw(this, token) : this.text("p", [token]);
  }

  /** @param {Token[]} tokens */
  blocks(tokens) {
    return tokens.flatMap((token) => this.block(token) ?? []);
  }

  /** An element of running text. @param {string} name @param {Token[]} tokens */
  text(name, tokens) {
    const element = this.make(name);
    element.dir = "auto";
    this.inline(tokens, element);
    return element;
  }

  /** @param {string} name @param {string} kind */
  make(name, kind = "") {
    const element = this.#page.createElement(name);
    if (kind) element.className = kind;
    return element;
  }

  /** @param {string} info @param {string} text */
  code(info, text) {
    return figure(this.#templates.code, info, text);
  }

  /** @param {Token[]} tokens @param {HTMLElement} into */
  inline(tokens, into) {
    const closing = pairs(tokens);
    const open = [into];
    let said = ""; // What follows one another is said at once: adding to a text takes its whole length.
    tokens.forEach((token, index) => {
      const text = plain(token, closing.has(index));
      said += text ?? "";
      if (text !== undefined) return;
      const inner = open[open.length - 1];
      say(inner, said);
      said = "";
      if (token.type !== "tag") SPANS[token.type](this, token, inner);
      else if (token.name === "br") inner.append(this.make("br"));
      else if (token.closes) open.pop();
      else {
        open.push(this.make(token.name));
        inner.append(open[open.length - 1]);
      }
    });
    say(open[open.length - 1], said);
  }

  /** @param {Token} token @param {HTMLElement} into */
  link(token, into) {
    const to = this.#inLink ? null : target(token.autolink ? token.href : decode(token.href));
    if (!to) return say(into, token.raw);
    const anchor = /** @type {HTMLAnchorElement} */ (this.make("a"));
    this.#inLink = true;
    if (token.autolink) say(anchor, token.text);
    else this.inline(token.tokens, anchor);
    this.#inLink = false;
    lead(anchor, to);
    anchor.toggleAttribute("data-bare", token.autolink === true); // On paper, others have their address beside them.
    if (token.title) anchor.title = decode(token.title);
    if (to.host && misleads(anchor.textContent ?? "", to.host)) anchor.title = to.host;
    into.append(anchor);
  }

  /** An image of another host would tell that host who reads what, so it is a link. @param {Token} token @param {HTMLElement} into */
  image(token, into) {
    const alt = decode(token.text);
    const to = target(decode(token.href));
    if (this.#inLink) return say(into, alt);
    if (!to) return say(into, token.raw);
    const { content } = this.#templates.image;
    const chip = /** @type {HTMLAnchorElement} */ (this.#page.importNode(content, true).firstElementChild);
    const [name, host] = ["image-name", "image-host"].map((part) => chip.querySelector(`[data-part=${part}]`));
    if (name) name.textContent = alt || words.IMAGE;
    if (host) host.textContent = to.host;
    lead(chip, to);
    into.append(chip);
  }

  /** @param {Token} token @param {HTMLElement} into */
  reference(token, into) {
    const to = this.#inLink ? null : this.#notes.refer(token.label);
    if (!to) return say(into, token.raw);
    const mark = this.make("sup", "reference");
    const anchor = /** @type {HTMLAnchorElement} */ (this.make("a"));
    anchor.href = `#${this.#name}-note-${to.number}`;
    if (to.first) anchor.id = `${this.#name}-reference-${to.number}`;
    anchor.ariaLabel = words.footnote(to.number);
    anchor.textContent = String(to.number);
    mark.append(anchor);
    into.append(mark);
  }

  /** The list of the footnotes, or null where there are none. */
  notes() {
    const list = this.make("ol");
    // A note may refer to another one, which is then listed too.
    for (const { number, token } of this.#notes.listed()) {
      const item = this.make("li");
      item.id = `${this.#name}-note-${number}`;
      item.append(...this.blocks(token.tokens));
      const back = /** @type {HTMLAnchorElement} */ (this.make("a", "back"));
      back.href = `#${this.#name}-reference-${number}`;
      back.ariaLabel = words.BACK;
      back.textContent = "↩";
      const last = item.lastElementChild;
      (last?.localName === "p" ? last : item).append(" ", back);
      list.append(item);
    }
    if (!list.firstChild) return null;
    const section = this.make("section", "footnotes");
    section.ariaLabel = words.FOOTNOTES;
    section.append(list);
    return section;
  }
}

/** @type {Record<string, (renderer: Renderer, token: Token) => HTMLElement | null>} */
const BLOCKS = {
  space: () => null,
  def: () => null,
  footnote: () => null,
  hr: (renderer) => renderer.make("hr"),
  // A message has a heading of its own, of the second level, and the page one of the first.
  heading(renderer, { depth, tokens }) {
    const heading = renderer.text(`h${Math.min(depth + 2, DEEPEST_HEADING)}`, tokens);
    heading.dataset.level = depth;
    return heading;
  },
  paragraph: (renderer, { tokens }) => renderer.text("p", tokens),
  text: (renderer, token) => renderer.text("p", token.tokens ?? [token]),
  html: (renderer, { raw }) => verbatim(renderer, raw),
  verbatim: (renderer, { raw }) => verbatim(renderer, raw),
  // marked keeps the last line's end where that line is empty.
  code: (renderer, { lang = "", text, codeBlockStyle: style }) => renderer.code(lang, text.replace(style ? /\n+$/ : /\n$/, "")),
  math: (renderer, token) => formula(renderer.make("div", "math"), token),
  blockquote(renderer, { tokens }) {
    const quote = renderer.make("blockquote");
    quote.append(...renderer.blocks(tokens));
    return directed(quote);
  },
  list(renderer, { ordered, start, items }) {
    const list = renderer.make(ordered ? "ol" : "ul");
    if (ordered && start !== 1 && start !== "") /** @type {HTMLOListElement} */ (list).start = start;
    list.append(...items.map((/** @type {Token} */ item) => listItem(renderer, item)));
    return directed(list);
  },
  table,
};

/** @type {Record<string, (renderer: Renderer, token: Token, into: HTMLElement) => void>} */
const SPANS = {
  text: (renderer, { tokens }, into) => renderer.inline(tokens, into),
  strong: (renderer, { tokens }, into) => within(renderer, "strong", tokens, into),
  em: (renderer, { tokens }, into) => within(renderer, "em", tokens, into),
  del: (renderer, { tokens }, into) => within(renderer, "del", tokens, into),
  br: (renderer, _, into) => into.append(renderer.make("br")),
  codespan(renderer, { text }, into) {
    const code = renderer.make("code");
    code.dir = "ltr";
    code.textContent = text;
    into.append(code);
  },
  math: (renderer, token, into) => into.append(formula(renderer.make("span", "math"), token)),
  link: (renderer, token, into) => renderer.link(token, into),
  image: (renderer, token, into) => renderer.image(token, into),
  reference: (renderer, token, into) => renderer.reference(token, into),
  checkbox: () => {},
};

/**
 * Has the direction of its text, which is that of all within: a browser that looks for it skips what looks for its own.
 * @param {HTMLElement} element
 */
function directed(element) {
  for (const inner of element.querySelectorAll("[dir=auto]")) inner.removeAttribute("dir");
  element.dir = "auto";
  return element;
}

/** @param {Renderer} renderer @param {Token} item */
function listItem(renderer, item) {
  const element = renderer.make("li");
  if (item.task) element.className = "task";
  let box = item.task;
  for (const token of item.tokens) {
    if (token.type === "checkbox") continue;
    const running = token.type === "text" || token.type === "paragraph";
    if (box && running) element.append(task(renderer, token, item));
    else if (token.type === "text") renderer.inline(token.tokens ?? [token], element);
    else element.append(...renderer.blocks([token]));
    box &&= !running;
  }
  return element;
}

/** What is to be done, and whether it is. @param {Renderer} renderer @param {Token} token @param {Token} item */
function task(renderer, token, { checked }) {
  const label = renderer.make("label");
  const box = /** @type {HTMLInputElement} */ (renderer.make("input"));
  box.type = "checkbox";
  box.disabled = true;
  // The attribute, so that one box equals another; its state follows, for nobody can click it.
  box.toggleAttribute("checked", checked === true);
  const text = renderer.make("span");
  renderer.inline(token.tokens ?? [token], text);
  label.append(box, text);
  return label;
}

/** @param {Renderer} renderer @param {Token} token */
function table(renderer, { header, align, rows }) {
  const grid = renderer.make("table");
  const row = (/** @type {Token[]} */ cells, /** @type {string} */ name) => {
    const line = renderer.make("tr");
    cells.forEach(({ tokens }, index) => {
      const cell = renderer.text(name, tokens);
      if (name === "th") /** @type {HTMLTableCellElement} */ (cell).scope = "col";
      if (align[index]) cell.dataset.align = align[index];
      line.append(cell);
    });
    return line;
  };
  const [head, body] = [renderer.make("thead"), renderer.make("tbody")];
  head.append(row(header, "th"));
  body.append(...rows.map((/** @type {Token[]} */ cells) => row(cells, "td")));
  grid.append(head, body);
  // What is wider than the column is scrolled by itself, by the keyboard too.
  const box = renderer.make("div", "table");
  box.tabIndex = 0;
  box.role = "region";
  box.ariaLabel = words.table([...head.querySelectorAll("th")].map((cell) => cell.textContent ?? ""));
  box.append(grid);
  return directed(box);
}

/** @param {Renderer} renderer @param {string} raw */
function verbatim(renderer, raw) {
  const element = renderer.make("p", "verbatim");
  element.dir = "auto";
  element.textContent = raw;
  return element;
}

/** @param {Renderer} renderer @param {string} name @param {Token[]} tokens @param {HTMLElement} into */
function within(renderer, name, tokens, into) {
  const element = renderer.make(name);
  renderer.inline(tokens, element);
  into.append(element);
}

/** The text of what is nothing else. @param {Token} token @param {boolean} paired a tag with its partner */
function plain(token, paired) {
  const { type, name, closes, raw, text, tokens } = token;
  if (type === "escape") return text;
  if (type === "text" && !tokens) return decode(raw);
  const drawn = type === "tag" ? paired || (name === "br" && !closes) : SPANS[type];
  return drawn ? undefined : raw;
}

/** @param {HTMLElement} into @param {string} text */
function say(into, text) {
  const last = into.lastChild;
  if (last?.nodeType === 3) /** @type {Text} */ (last).appendData(text);
  else if (text) into.append(text);
}

/** Which of the bare tags have their partner, in order. The others are text. @param {Token[]} tokens */
function pairs(tokens) {
  /** @type {Set<number>} */
  const paired = new Set();
  /** @type {{ name: string, index: number }[]} */
  let open = [];
  tokens.forEach(({ type, name, closes }, index) => {
    if (type !== "tag" || name === "br") return;
    if (!closes) open.push({ name, index });
    else {
      const at = open.findLastIndex((tag) => tag.name === name);
      if (at < 0) return;
      paired.add(open[at].index).add(index);
      open = open.slice(0, at);
    }
  });
  return paired;
}
