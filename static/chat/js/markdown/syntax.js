// @ts-check
// What replies may have beside GitHub's Markdown, as extensions of marked: formulas and footnotes.
//
// A formula has no empty line inside. While its end is still to come, what there is of it is a formula already, so that
// no line of it is taken for a list or a heading (the lexer is `growing`: see there).

const BLANK = /\n[ \t]*\n/;
const OPEN_MATH = /^ {0,3}(\$\$|\\\[)/;
const NOTE = /^ {0,3}\[\^([^\]\s]{1,64})\]:[ \t]*/;
// A line that goes on with a note's paragraph without being indented, as long as it begins nothing else.
const LAZY = /^(?!\s*$| {0,3}(?:\[\^|#{1,6} |`{3}|~{3}|>|[-*+] |\d+[.)] |\$\$|\\\[))/;
const CLOSE = /** @type {Record<string, string>} */ ({ $$: "$$", "\\[": "\\]", "\\(": "\\)" });
const INLINE_MATH = /\$(?:\\[^\n]|[^\\$\n])+\$|\\\([^\n]*?\\\)/g;

/** Where the paragraph ends at the latest. @param {string} source */
function upToBlank(source) {
  const blank = BLANK.exec(source);
  return blank ? source.slice(0, blank.index) : source;
}

/** @type {any} */
const blockMath = {
  name: "math",
  level: "block",
  /** @param {string} source */
  start: (source) => (source.includes("$$") || source.includes("\\[") ? startOf(source, /\n {0,3}(?:\$\$|\\\[)/) : -1),
  /** @this {any} @param {string} source */
  tokenizer(source) {
    const open = OPEN_MATH.exec(source);
    if (!open) return undefined;
    const here = upToBlank(source);
    const end = here.indexOf(CLOSE[open[1]], open[0].length);
    if (end < 0) {
      if (!this.lexer.mayGrow() || here.length < source.trimEnd().length) return undefined;
      return { type: "math", raw: source, tex: source.slice(open[0].length).trim(), display: true, open: true };
    }
    const tex = here.slice(open[0].length, end).trim();
    const after = /^[ \t]*(?=\n|$)/.exec(here.slice(end + 2));
    return tex && after ? { type: "math", raw: here.slice(0, end + 2) + after[0], tex, display: true } : undefined;
  },
};

/** @type {any} */
const inlineMath = {
  name: "inlineMath",
  level: "inline",
  /** @this {any} @param {string} source */
  start(source) {
    return this.lexer.dollars ? source.indexOf("$") : -1;
  },
  /** @this {any} @param {string} source */
  tokenizer(source) {
    const mark = source[0] === "$" ? (source[1] === "$" ? "$$" : "$") : source[0] === "\\" ? source.slice(0, 2) : "";
    if (mark === "$") {
      const match = /^\$((?:\\[^\n]|[^\\$\n])+)\$(?!\d)/.exec(source);
      // "$5 and $10" is money.
      if (!match || /^\s|\s$/.test(match[1])) return undefined;
      return { type: "math", raw: match[0], tex: match[1], display: false };
    }
    if (!Object.hasOwn(CLOSE, mark)) return undefined;
    const { unclosed } = this.lexer;
    const end = unclosed.has(mark) ? -1 : source.indexOf(CLOSE[mark], 2);
    if (end < 0) unclosed.add(mark);
    const tex = source.slice(2, end < 0 ? undefined : end).trim();
    if (!tex || (end < 0 && (mark === "$$" || this.lexer.growing !== "text"))) return undefined;
    return { type: "math", raw: end < 0 ? source : source.slice(0, end + 2), tex, display: mark !== "\\(" };
  },
};

/** @type {any} */
const footnote = {
  name: "footnote",
  level: "block",
  /** @param {string} source */
  start: (source) => (source.includes("\n[^") ? startOf(source, /\n\[\^[^\]\s]{1,64}\]:/) : -1),
  /** @this {any} @param {string} source */
  tokenizer(source) {
    const open = NOTE.exec(source);
    if (!open) return undefined;
    const lines = source.slice(open[0].length).split("\n");
    let size = 1;
    for (let index = 1; index < lines.length; index += 1) {
      const blank = !lines[index].trim();
      const inside = /^(?: {2,}|\t)\S/.test(lines[index]) || (lines[index - 1].trim() && LAZY.test(lines[index]));
      if (inside) size = index + 1;
      else if (!blank) break;
    }
    const kept = lines.slice(0, size);
    const token = { type: "footnote", raw: open[0] + kept.join("\n"), label: open[1], tokens: [] };
    this.lexer.blockTokens(kept.map((line) => line.replace(/^(?: {1,4}|\t)/, "")).join("\n"), token.tokens);
    return token;
  },
};

/** @type {any} */
const reference = {
  name: "reference",
  level: "inline",
  /** @param {string} source */
  tokenizer(source) {
    const match = /^\[\^([^\]\s]{1,64})\]/.exec(source);
    return match ? { type: "reference", raw: match[0], label: match[1] } : undefined;
  },
};

/** @param {string} source @param {RegExp} pattern */
function startOf(source, pattern) {
  const found = pattern.exec(upToBlank(source));
  return found ? found.index + 1 : -1;
}

export const extensions = [blockMath, inlineMath, footnote, reference];

/** Formulas hide their `*` and `_` from emphasis. @param {string} source */
export const masked = (source) => source.replace(INLINE_MATH, (found) => "a".repeat(found.length));
