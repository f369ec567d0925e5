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
}

class ReplyLexer extends Lexer {
  /** @type {Growing} */ growing = "";
  dollars = false; // Whether there is one at all.
  #depth = 0;

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
    return this.#deeper(source, tokens, () => super.inlineTokens(source, tokens));
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
 * @param {string} source @param {Links} links @param {Growing} growing @returns {Token[]}
 */
export function lex(source, links = {}, growing = "") {
  const lexer = new ReplyLexer({ ...defaults, tokenizer: new ReplyTokenizer() });
  lexer.growing = growing;
  lexer.dollars = source.includes("$");
  Object.assign(/** @type {any} */ (lexer.tokens).links, links);
  try {
    return lexer.lex(source);
  } catch {
    return [{ type: "verbatim", raw: source }]; // Some nesting is deeper than the stack.
  }
}
