// @ts-check
// A text that still grows as it would be if nothing more came: what is open at its end is closed, for now.

import remend from "../../../vendor/remend/index.js";

// What remend may do: close what is open. It may not change what a finished text would mean.
const CLOSING = { linkMode: /** @type {const} */ ("text-only"), images: false, katex: false, comparisonOperators: false, singleTilde: false };
const INCOMPLETE = "](streamdown:"; // An address of its own, where it takes something for an open image or link.
const MOST = 3000; // characters at the end: remend is slow with what is long and strange.

/** @param {string} text */
export function healed(text) {
  let start = text.lastIndexOf("\n\n") + 1;
  if (text.length - start > MOST) start = text.lastIndexOf("\n") + 1;
  const end = text.slice(start);
  const fences = text.match(/^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]*)?(?:```|~~~)/gm)?.length ?? 0;
  if (end.length > MOST || fences % 2) return text;
  // An open code span first: remend would close what is around it inside of it.
  const span = /(?<!`)(``?)(?!`)[^`]+$/.exec(end.replace(/(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, ""));
  const closed = remend(span ? end + span[1] : end, CLOSING);
  return text.slice(0, start) + (closed.includes(INCOMPLETE) && !end.includes(INCOMPLETE) ? end : closed);
}
