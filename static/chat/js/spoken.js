// @ts-check
// What a screen reader is told of a reply that grows: its paragraphs, each once and whole.

/** Where the last whole paragraph of `text` ends, at `from` if none came since. @param {string} text @param {number} from */
export function paragraphsEnd(text, from) {
  const gap = text.lastIndexOf("\n\n");
  return gap > from ? gap : from;
}
