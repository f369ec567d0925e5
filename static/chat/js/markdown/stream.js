// @ts-check
// Markdown → DOM, while the text still grows. A settled block is never touched again; only the last one, which may still
// change, is redrawn, of a list or table the last item or row, and code that is still open just grows. A text that was
// there at once goes the same way, so that a reply looks the same while it comes, after it came, and when it is read again.

import { codeOf } from "./code.js";
import { lex } from "./lexer.js";
import { Notes } from "./notes.js";
import { Renderer } from "./render.js";

/** @typedef {import("./lexer.js").Token} Token */
/**
 * `name` begins the ids of footnotes. `highlight` is told of each block of code that is whole, `typeset` of nodes that
 * may have formulas in them, with those that they replace. `heal` closes, for now, what is open at the end of a text. `series` is
 * what settles lists and tables part by part, once it is there.
 * @typedef {import("./render.js").Templates & {
 *   name?: string, highlight?: (figure: HTMLElement) => void, typeset?: (nodes: Node[], old?: Node[]) => void,
 *   lex?: typeof lex, heal?: (text: string) => string,
 *   series?: () => typeof import("./series.js").Series | undefined,
 * }} Options
 */
/**
 * `start` and `line` are where the fence and its first line that is not read begin, `shown` is how far it is drawn.
 * @typedef {{ figure: HTMLElement, code: Text, closing: RegExp, start: number, line: number, shown: number }} Fence
 */

const OPENING = /(`{3,}(?=[^`\n]*\n)|~{3,})[^\n]*\n/y;
const HALF_OPENING = /^ {0,3}(?:`{3,}[^`\n]*|~{3,}[^\n]*)$/;
const MAY_CLOSE = /^ {0,3}[`~]* *$/;

export class StreamMarkdown {
  #root;
  #options;
  #lex;
  #heal;
  #text = "";
  #carriage = false;
  #done = 0; // The text before it is settled.
  #asked = 0; // Up to this line it was asked what is settled.
  #drawn = -1;
  /** @type {{ raw: string, node: HTMLElement, code: boolean }[]} what is settled and shows something */ #blocks = [];
  /** @type {HTMLElement[]} the nodes of what is not settled */ #live = [];
  /** @type {{ done: number, drawn: number, tokens: Token[] }} */ #seen = { done: -1, drawn: -1, tokens: [] };
  /** @type {HTMLElement | null} where the text ends now */ #caret = null;
  /** @type {HTMLElement | null} the footnotes, below everything */ #section = null;
  /** @type {Fence | null} code that is still open */ #fence = null;
  /** @type {import("./series.js").Series | null} a list or table that is settled in part */ #series = null;
  /** @type {import("./lexer.js").Links} */ #links = {};
  #linked = false; // Whether any are defined, in a list too.
  #notes = new Notes();

  /** @param {HTMLElement} root empty, and nobody else's @param {Options} options */
  constructor(root, options) {
    this.#root = root;
    this.#options = options;
    this.#lex = options.lex ?? lex;
    this.#heal = options.heal ?? ((text) => text);
  }

  /** More of the text, which is drawn by the next `flush`. @param {string} text */
  push(text) {
    // A line may end with a carriage return, and a piece between the two.
    const whole = this.#carriage ? `\r${text}` : text;
    this.#carriage = whole.endsWith("\r");
    this.#text += (this.#carriage ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
  }

  flush() {
    if (this.#drawn === this.#text.length) return;
    this.#drawn = this.#text.length;
    this.#liftCaret();
    this.#settle(this.#text.lastIndexOf("\n") + 1, false);
    this.#drawLive();
  }

  /** The text is whole. */
  finish() {
    if (this.#carriage) this.#text += "\n";
    this.#carriage = false;
    const fresh = this.#drawn < 0;
    this.#drawn = this.#text.length;
    this.#liftCaret();
    if (!fresh) this.#settle(this.#text.length, true);
    this.#drop();
    // What refers to something may have come before it.
    if (fresh || this.#notes.any || this.#linked) this.#drawWhole();
  }

  /** Settles what no more text can change. Only whole lines count: "1" may become "1. one". @param {number} end @param {boolean} final */
  #settle(end, final) {
    for (;;) {
      if (this.#fence) {
        if (!this.#feed(final)) return;
        continue;
      }
      if (this.#done < end && this.#open()) continue;
      if (this.#done >= end || (!final && this.#asked === end)) return;
      this.#asked = end;
      const ahead = final ? [] : this.#ahead().filter(shows);
      // Where there is one block with all that is there, there is no second one without its last line.
      if (!final && ahead.length < 2 && !this.#parts(ahead[0]).length) return;
      const tokens = this.#read(end, final ? "" : "lines");
      const settled = tokens.slice(0, final ? undefined : settledOf(tokens));
      // A token that is not found in the text has no end there either: it waits for the end of all.
      const found = settled.every((token) => {
        if (!final && !this.#text.startsWith(token.raw, this.#done)) return false;
        this.#done += token.raw.length;
        this.#place(token);
        return true;
      });
      if (final) this.#done = end;
      else if (found) this.#settleParts(tokens[settled.length], ahead[settled.filter(shows).length]);
    }
  }

  /** The items or rows of a list or table, but for the last, which may still change. @param {Token | undefined} token @returns {string[]} */
  #parts(token) {
    return this.#options.series?.()?.parts(token).slice(0, -1) ?? [];
  }

  /** Settles parts of `token`, unless its last line makes them others. @param {Token | undefined} token @param {Token | undefined} ahead with that line */
  #settleParts(token, ahead) {
    const start = this.#done;
    const parts = ahead?.loose === token?.loose ? this.#parts(token) : [];
    const found = parts.findIndex((raw) => {
      if (!this.#text.startsWith(raw, this.#done)) return true;
      this.#done += raw.length;
      return false;
    });
    const count = found < 0 ? parts.length : found;
    const Series = this.#options.series?.();
    if (!count || !Series) return;
    const node = /** @type {HTMLElement} */ (this.#renderer(this.#notes).block(Series.only(token, count)));
    if (this.#series) this.#extend(this.#series, node);
    else this.#series = new Series(token, start, this.#settled(node));
  }

  /** @param {import("./series.js").Series} series @param {HTMLElement} node with what settles of it */
  #extend(series, node) {
    const parts = series.drawn(node);
    this.#options.typeset?.(parts, series.live);
    this.#exchange(series.body, series.live, parts, null).forEach((part) => this.#highlight(part));
    series.live = [];
  }

  /** @param {Token} token */
  #place(token) {
    if (token.type === "def") this.#links[token.tag] ??= { href: token.href, title: token.title };
    if (token.type === "footnote") this.#notes.add(token);
    const node = this.#renderer(this.#notes).block(token);
    const series = this.#series;
    if (!node) return;
    if (!series) this.#blocks.push({ raw: token.raw, node: this.#settled(node), code: token.type === "code" });
    else {
      this.#extend(series, node);
      this.#blocks.push({ raw: this.#text.slice(series.start, this.#done), node: series.node, code: false });
      this.#series = null;
    }
  }

  /** Puts `node` where the first live one is; returns which stays. @param {HTMLElement} node @returns {HTMLElement} */
  #settled(node) {
    const old = this.#live.shift();
    this.#options.typeset?.([node], old ? [old] : []);
    const same = old?.isEqualNode(node);
    if (old && !same) old.replaceWith(node);
    else if (!old) this.#root.insertBefore(node, this.#live[0] ?? this.#section);
    const kept = old && same ? old : node;
    this.#highlight(kept);
    return kept;
  }

  /** Puts `nodes` where `old` are; what did not change stays. @param {HTMLElement} parent @param {HTMLElement[]} old @param {HTMLElement[]} nodes @param {Node | null} next */
  #exchange(parent, old, nodes, next) {
    let same = 0;
    while (same < nodes.length && old[same]?.isEqualNode(nodes[same])) nodes[same] = old[same++];
    old.slice(same).forEach((node) => node.remove());
    for (const node of nodes.slice(same)) parent.insertBefore(node, next);
    return nodes;
  }

  /** @param {HTMLElement} node */
  #highlight(node) {
    const { highlight } = this.#options;
    if (!highlight) return;
    if (node.matches("figure")) highlight(node);
    else for (const figure of node.querySelectorAll("figure")) highlight(/** @type {HTMLElement} */ (figure));
  }

  /** @param {Notes} notes */
  #renderer(notes) {
    return new Renderer(this.#root.ownerDocument, this.#options, this.#options.name ?? "reply", notes);
  }

  // Open code

  /** Opens a fence where the unsettled text begins with one. */
  #open() {
    OPENING.lastIndex = this.#done;
    const opening = OPENING.exec(this.#text);
    if (!opening) return false;
    const [whole, mark] = opening;
    const [{ lang = "" }] = this.#lex(whole);
    const figure = this.#renderer(this.#notes).code(lang, "");
    this.#drop();
    this.#root.insertBefore(figure, this.#section);
    const start = this.#done + whole.length;
    this.#fence = {
      figure,
      code: /** @type {Text} */ (codeOf(figure).firstChild),
      closing: new RegExp(`^ {0,3}${mark}${mark[0]}* *$`),
      start: this.#done,
      line: start,
      shown: start,
    };
    return true;
  }

  /** Lets open code grow. @param {boolean} final @returns {boolean} whether it was closed */
  #feed(final) {
    const fence = /** @type {Fence} */ (this.#fence);
    const text = this.#text;
    for (let end = text.indexOf("\n", fence.line); ; end = text.indexOf("\n", fence.line)) {
      const line = text.slice(fence.line, end < 0 ? text.length : end);
      if (end < 0 && !final) {
        // A line that may become the closing one waits.
        this.#show(MAY_CLOSE.test(line) ? fence.line - 1 : text.length);
        return false;
      }
      if (fence.closing.test(line)) {
        this.#show(fence.line - 1);
        return this.#close(end < 0 ? text.length : end);
      }
      if (end < 0) {
        this.#show(line ? text.length : fence.line - 1);
        return this.#close(text.length);
      }
      fence.line = end + 1;
    }
  }

  /** @param {number} end */
  #show(end) {
    const fence = /** @type {Fence} */ (this.#fence);
    if (end <= fence.shown) return;
    fence.code.appendData(this.#text.slice(fence.shown, end));
    fence.shown = end;
  }

  /** @param {number} end */
  #close(end) {
    const { figure, start } = /** @type {Fence} */ (this.#fence);
    this.#fence = null;
    this.#done = end;
    this.#asked = 0;
    this.#blocks.push({ raw: this.#text.slice(start, end), node: figure, code: true });
    this.#highlight(figure);
    return true;
  }

  // What may still change

  #drawLive() {
    const tail = this.#fence ? "" : this.#text.slice(this.#done);
    if (!tail.trim() || HALF_OPENING.test(tail)) return this.#drop();
    const notes = new Notes(this.#notes);
    const renderer = this.#renderer(notes);
    const tokens = this.#ahead();
    const nodes = renderer.blocks(tokens);
    const series = this.#series;
    if (series) {
      const parts = series.drawn(/** @type {HTMLElement} */ (nodes.shift()));
      this.#options.typeset?.(parts, series.live);
      series.live = this.#exchange(series.body, series.live, parts, null);
    }
    this.#options.typeset?.(nodes, this.#live);
    this.#live = this.#exchange(this.#root, this.#live, nodes, this.#section);
    const end = nodes[nodes.length - 1] ?? series?.live[series.live.length - 1];
    if (end) {
      this.#caret = lastOf(end);
      this.#caret.dataset.caret = "";
    }
    tokens.filter(({ type }) => type === "footnote").forEach((token) => notes.add(token));
    this.#drawSection(renderer, notes);
  }

  /** The tokens of all that is not settled. */
  #ahead() {
    const { done, drawn, tokens } = this.#seen;
    if (done === this.#done && drawn === this.#drawn) return tokens;
    const now = this.#read(this.#text.length, "text");
    this.#seen = { done: this.#done, drawn: this.#drawn, tokens: now };
    return now;
  }

  /** The tokens of what is not settled, up to `end`. @param {number} end @param {import("./lexer.js").Growing} growing @returns {Token[]} */
  #read(end, growing) {
    const rest = this.#text.slice(this.#done, end);
    const source = growing === "text" ? this.#heal(rest) : rest;
    const series = this.#series;
    const tokens = this.#lex((series?.head ?? "") + source, this.#links, growing);
    if (growing !== "text") this.#linked ||= Object.keys(tokens.links).length > 0;
    if (!series) return tokens;
    const [first, ...others] = tokens;
    if (series.keeps(first)) return [series.rest(first), ...others];
    // It is another one than it seemed, all of it.
    series.node.remove();
    this.#done = series.start;
    this.#series = null;
    return this.#read(end, growing);
  }

  #liftCaret() {
    this.#caret?.removeAttribute("data-caret");
    this.#caret = null;
  }

  #drop() {
    this.#live.forEach((node) => node.remove());
    this.#live = [];
  }

  /** @param {Renderer} renderer @param {Notes} notes */
  #drawSection(renderer, notes) {
    if (!notes.any && !this.#section) return;
    const section = renderer.notes();
    if (section) this.#options.typeset?.([section], this.#section ? [this.#section] : []);
    if (section && this.#section?.isEqualNode(section)) return;
    this.#section?.remove();
    if (section) this.#root.append(section);
    this.#section = section;
  }

  /** Draws the whole text at once, and leaves what is there already as it should be. */
  #drawWhole() {
    const tokens = this.#lex(this.#text);
    const notes = new Notes();
    notes.complete = true;
    tokens.filter(({ type }) => type === "footnote").forEach((token) => notes.add(token));
    const renderer = this.#renderer(notes);
    const before = this.#blocks;
    this.#blocks = [];
    for (const token of tokens) {
      const node = renderer.block(token);
      if (!node) continue;
      const code = token.type === "code";
      const old = before[this.#blocks.length];
      const stays = old && old.raw.trimEnd() === token.raw.trimEnd() && ((code && old.code) || old.node.isEqualNode(node));
      const block = stays ? old : { raw: token.raw, node, code };
      if (!stays) {
        if (old) old.node.replaceWith(node);
        else this.#root.insertBefore(node, this.#section);
        this.#options.typeset?.([node]);
        this.#highlight(node);
      }
      this.#blocks.push(block);
    }
    before.slice(this.#blocks.length).forEach(({ node }) => node.remove());
    this.#drawSection(renderer, notes);
  }
}

/** Whether it is a block: marked takes spaces of other kinds from the end of a list, which may still go on. @param {Token} token */
const shows = ({ type, raw }) => type !== "space" && raw.trim() !== "";

/** How many of the tokens are settled: the last block may go on with the next line. @param {Token[]} tokens */
function settledOf(tokens) {
  const last = tokens.findLastIndex(shows);
  // If a formula never ends, it is the rest of the paragraph before it.
  const goesOn = tokens[last]?.open && tokens[last - 1]?.type === "paragraph";
  return Math.max(goesOn ? last - 1 : last, 0);
}

const CONTAINERS = new Set(["ul", "ol", "li", "blockquote", "div", "table", "tbody", "thead", "tr", "td", "th", "p", "label", "figure", "pre"]);

/** Where the text of a block ends. @param {HTMLElement} element @returns {HTMLElement} */
function lastOf(element) {
  const last = /** @type {HTMLElement | null} */ (element.localName === "tr" ? lastCellOf(element) : element.lastChild);
  if (element.localName === "pre") return /** @type {HTMLElement} */ (element.firstElementChild ?? element);
  return last?.nodeType === 1 && CONTAINERS.has(last.localName) ? lastOf(last) : element;
}

/** A row has all of its cells from the first on, of which only some are written. @param {HTMLElement} row */
const lastCellOf = ({ children: [...cells] }) => cells.findLast(({ textContent }) => textContent) ?? cells[0];
