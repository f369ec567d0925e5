// @ts-check
// Where the blocks of a text are: paragraphs, fenced code, and the empty lines between them. Joined again they are the
// text, character for character.

/**
 * `settled`: more text cannot change it. Of code: `fence` is the opening line, `body` what it encloses, `close` the
 * closing line, empty while it has not come.
 * @typedef {{ kind: "gap" | "paragraph" | "code", raw: string, settled: boolean, fence?: string, body?: string, close?: string }} Block
 */

const GAP = /^(?:[ \t]*\n)+/;
const BLANK = /^[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n`]*)(?:\n|$)/;
const PARAGRAPH_END = /\n(?=[ \t]*\n| {0,3}(?:`{3}|~{3}))/;

/** The first block of `text`, which is not empty. @param {string} text @returns {Block} */
export function firstBlock(text) {
  const gap = GAP.exec(text);
  if (gap) return { kind: "gap", raw: gap[0], settled: true };
  if (BLANK.test(text)) return { kind: "gap", raw: text, settled: false };
  const fence = FENCE.exec(text);
  if (fence) return code(text, fence[0], fence[1]);
  const end = PARAGRAPH_END.exec(text);
  return { kind: "paragraph", raw: end ? text.slice(0, end.index) : text, settled: end !== null };
}

/** @param {string} text @param {string} fence @param {string} mark @returns {Block} */
function code(text, fence, mark) {
  const rest = text.slice(fence.length);
  const closing = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}[ \\t]*(\\n|$)`, "m").exec(rest);
  const body = closing ? rest.slice(0, closing.index) : rest;
  const close = closing ? closing[0] : "";
  return { kind: "code", raw: fence + body + close, settled: close.endsWith("\n"), fence, body, close };
}

/** A paragraph's text, cut into plain pieces and `code` with its marks. @param {string} text */
export function spans(text) {
  const pieces = [];
  let done = 0;
  for (const match of text.matchAll(/(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)/gs)) {
    if (match.index > done) pieces.push({ text: text.slice(done, match.index), mark: "" });
    pieces.push({ text: match[2], mark: match[1] });
    done = match.index + match[0].length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done), mark: "" });
  return pieces;
}
