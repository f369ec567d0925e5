// @ts-check
// A list or a table that still grows: its items or rows settle one by one, so that only the last one is read again. Wanted
// by what grows alone, it comes with the first reply that is written.

/** @typedef {import("./lexer.js").Token} Token */

/** Where the elements of the items or rows are. @param {HTMLElement} node @returns {HTMLElement} */
const bodyOf = (node) => node.querySelector(":scope > table > tbody") ?? node;

export class Series {
  /** @type {HTMLElement[]} the elements of what is not settled */ live = [];
  #token;

  /** @param {Token} token as it was when its first part settled @param {number} start of it in the text @param {HTMLElement} node */
  constructor(token, start, node) {
    this.#token = token;
    this.start = start;
    this.node = node;
    this.body = bodyOf(node);
  }

  /** The items or rows of `token` as they stand in the text, the first with what is above it; none of another block. @param {Token | undefined} token @returns {string[]} */
  static parts(token) {
    if (token?.type === "list") return token.items.map((/** @type {Token} */ { raw }) => raw);
    if (token?.type !== "table") return [];
    const lines = token.raw.split("\n").map((/** @type {string} */ line) => `${line}\n`);
    const rows = token.goesOn ? lines : [lines.slice(0, 3).join(""), ...lines.slice(3)];
    return rows.slice(0, token.rows.length);
  }

  /** `token` with no more than so many of them. @param {Token} token @param {number} count @returns {Token} */
  static only(token, count) {
    return { ...token, items: token.items?.slice(0, count), rows: token.rows?.slice(0, count) };
  }

  /** Their elements in a list or table like this one. @param {HTMLElement} node */
  drawn(node) {
    return /** @type {HTMLElement[]} */ ([...bodyOf(node).children]);
  }

  /** What is read before the rest, so that this goes on with it: a table's head, or an item in place of those before. */
  get head() {
    const { type, raw, loose } = this.#token;
    if (type === "table") return `${raw.split("\n", 2).join("\n")}\n`;
    const [, mark, end] = /** @type {RegExpExecArray} */ (/^ *(\d+([.)])|.)/.exec(raw));
    // As far to the right as it may be: nothing that is an item of the list is within this one.
    return `   ${end ? `1${end}` : mark} .\n${loose ? "\n" : ""}`;
  }

  /** Whether `token`, read with the head, leaves what is settled as it is: with one loose item, all are. @param {Token} token */
  keeps(token) {
    return token.type === this.#token.type && token.loose === this.#token.loose;
  }

  /** `token`, read with the head, without it. @param {Token} token @returns {Token} */
  rest(token) {
    return { ...token, raw: token.raw.slice(this.head.length), items: token.items?.slice(1), goesOn: true };
  }
}
