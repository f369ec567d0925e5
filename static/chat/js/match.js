// @ts-check
// How well a text fits what was typed. Pure.

const MARKS = /\p{M}/gu;

/** @param {string} text */
const folded = (text) => text.normalize("NFKD").replace(MARKS, "").toLowerCase();

/**
 * Each word of the query has to be in the text: best at its beginning, then where a word begins, then anywhere, then as
 * letters in this order from where a word begins. 0 where one is not; nothing typed fits everything.
 * @param {string} query @param {string} text
 */
export function fit(query, text) {
  const words = folded(query).split(/\s+/).filter(Boolean);
  const within = folded(text);
  let sum = 1;
  for (const word of words) {
    const found = one(word, within);
    if (!found) return 0;
    sum += found;
  }
  return sum;
}

/** @param {string} word @param {string} text */
function one(word, text) {
  const at = text.indexOf(word);
  if (at === 0) return 8;
  if (at > 0) return starts(text).some((start) => text.startsWith(word, start)) ? 6 : 4;
  return starts(text).some((start) => inOrder(word, text.slice(start))) ? 1 : 0;
}

/** Where the words of a text begin. @param {string} text */
const starts = (text) => [...text.matchAll(/[\p{L}\p{N}]+/gu)].map(({ index }) => index);

/** Whether the letters come in this order, beginning with the first. @param {string} word @param {string} text */
function inOrder(word, text) {
  if (text[0] !== word[0]) return false;
  let next = 0;
  for (const letter of text) if (letter === word[next]) next += 1;
  return next === word.length;
}

/**
 * Those that fit, the best first, and else in the order that they came in.
 * @template T @param {string} query @param {T[]} all @param {(one: T) => string} textOf
 * @returns {{ item: T, score: number }[]}
 */
export const fitting = (query, all, textOf) =>
  all
    .map((item) => ({ item, score: fit(query, textOf(item)) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
