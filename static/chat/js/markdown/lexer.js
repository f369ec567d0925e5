// @ts-check
// Text → tokens: marked's lexer with our syntax, and limits that no text can get past.

import { Lexer, Marked, Tokenizer } from "../../../vendor/marked/marked.esm.js";
import { extensions, masked } from "./syntax.js";

/** @typedef {any} Token */
/** @typedef {Record<string, { href: string, title: string }>} Links */
/**
 * What is to come: nothing; more lines, so that the last block is not whole; or more text, so that nothing at the end
 * is, and what is there is only drawn for now.
 * @typedef {"" | "lines" | "text"} Growing
 */

const DEEPEST = 24;
// So many places of a paragraph may be looked at for the ends of what its marks begin: those of a text that means it are
// a few hundred, and where the marks fit nothing, each would look at all that follows.
const SEARCHES = 20_000;
// A word that is longer is no address: it is looked at in pieces, for each mark in it would look for an @ to its end.
const LONG_WORD = /^(?!www\.)[\w.!#$%&'*+/=?`{|}~-]{400}/i;
const BARE = /^<\/?(br|sub|sup|kbd|mark|u|s|b|i|small|del|ins)\s*\/?>/i;

const { defaults } = new Marked({ gfm: true, breaks: true, extensions, hooks: { emStrongMask: masked } });

class ReplyTokenizer extends Tokenizer {
  /** HTML ends with its paragraph, whatever it is: an open tag or comment swallows nothing. @param {string} source */
  html(source) {
    if (BARE.test(source)) return undefined;
    const token = super.html(source);
    if (!token) return undefined;
    const raw = /^[^]*?(?=\n[ \t]*(?:\n|$)|$)/.exec(token.raw)?.[0] ?? "";
    return raw ? { ...token, raw, text: raw } : undefined;
  }

  /** Any other tag than the bare ones is text, and changes nothing for what follows. @param {string} source */
  tag(source) {
    if (source[0] !== "<") return undefined;
    const bare = BARE.exec(source);
    if (bare) return /** @type {any} */ ({ type: "tag", raw: bare[0], name: bare[1].toLowerCase(), closes: source[1] === "/" });
    const tag = this.rules.inline.tag.exec(source);
    return tag ? /** @type {any} */ ({ type: "verbatim", raw: tag[0] }) : undefined;
  }

  /** @param {string} source */
  url(source) {
    return LONG_WORD.test(source) ? undefined : super.url(source);
  }

  /** @param {string} source */
  inlineText(source) {
    const word = LONG_WORD.exec(source);
    return super.inlineText(word ? word[0] : source);
  }
}

/** A pattern that finds nothing more once the paragraph's searches are used up: what is still open is text then. */
class Limited {
  #pattern;
  #lexer;

  /** @param {RegExp} pattern @param {ReplyLexer} lexer */
  constructor(pattern, lexer) {
    this.#pattern = pattern;
    this.#lexer = lexer;
  }

  set lastIndex(/** @type {number} */ index) {
    this.#pattern.lastIndex = index;
  }

  /** @param {string} text */
  exec(text) {
    this.#lexer.searches -= 1;
    return this.#lexer.searches < 0 ? null : this.#pattern.exec(text);
  }
}

class ReplyLexer extends Lexer {
  /** @type {Growing} */ growing = "";
  dollars = false; // Whether there is one at all.
  searches = 0; // That the paragraph at hand has left.
  unclosed = new Set(); // What opens a formula and is not closed in the rest of the text at hand.
  #depth = 0;

  /** @param {any} options */
  constructor(options) {
    super(options);
    const { rules } = this.tokenizer;
    const inline = /** @type {any} */ ({ ...rules.inline });
    for (const name of ["emStrongRDelimAst", "emStrongRDelimUnd", "delRDelim"]) inline[name] = new Limited(inline[name], this);
    this.tokenizer.rules = { ...rules, inline };
  }

  /** Whether the block at hand may be one that goes on with the text. */
  mayGrow() {
    return this.growing === "text" || (this.growing === "lines" && this.#depth === 1);
  }

  /** @param {string} source @param {Token[]} tokens @param {boolean} clipped */
  blockTokens(source, tokens = [], clipped = false) {
    return this.#deeper(source, tokens, () => super.blockTokens(source, tokens, clipped));
  }

  /** @param {string} source @param {Token[]} tokens */
  inlineTokens(source, tokens = []) {
    if (!this.#depth) this.searches = SEARCHES;
    const { unclosed } = this;
    this.unclosed = new Set();
    try {
      return this.#deeper(source, tokens, () => super.inlineTokens(source, tokens));
    } finally {
      this.unclosed = unclosed;
    }
  }

  /** @param {string} raw @param {Token[]} tokens @param {() => Token[]} go */
  #deeper(raw, tokens, go) {
    if (this.#depth >= DEEPEST) {
      tokens.push({ type: "verbatim", raw });
      return tokens;
    }
    this.#depth += 1;
    try {
      return go();
    } finally {
      this.#depth -= 1;
    }
  }
}

/**
 * The blocks of `source`, which has no carriage returns. `links` are definitions that stand before it.
 * @param {string} source @param {Links} links @param {Growing} growing
 * @returns {Token[] & { links: Links }} all links that are known after them
 */
export function lex(source, links = {}, growing = "") {
  const lexer = new ReplyLexer({ ...defaults, tokenizer: new ReplyTokenizer() });
  lexer.growing = growing;
  lexer.dollars = source.includes("$");
  Object.assign(/** @type {any} */ (lexer.tokens).links, links);
  try {
    return lexer.lex(source);
  } catch {
    return Object.assign([{ type: "verbatim", raw: source }], { links }); // Some nesting is deeper than the stack.
  }
}
