// @ts-check
// Character references: `&amp;` → `&`. Those that people and models write (mathematics comes as formulas); any other
// stays as it is.

/** @type {Record<string, string>} */
const NAMED = Object.fromEntries(
  (
    "amp & lt < gt > quot \" apos ' copy © reg ® trade ™ hellip … mdash — ndash – lsquo ‘ rsquo ’ ldquo “ rdquo ” bull • " +
    "middot · times × divide ÷ plusmn ± minus − deg ° micro µ sect § larr ← rarr → harr ↔ " +
    "le ≤ ge ≥ ne ≠ asymp ≈ infin ∞ euro € pound £ laquo « raquo » frac12 ½ sup2 ²"
  )
    .split(" ")
    .flatMap((word, index, words) => (index % 2 ? [] : [[word, words[index + 1]]])),
);
Object.assign(NAMED, { nbsp: "\u00a0", ensp: "\u2002", emsp: "\u2003", shy: "\u00ad" });

/** @param {string} text */
export function decode(text) {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,8}));/g, (whole, decimal, hex, name) => {
    if (name) return Object.hasOwn(NAMED, name) ? NAMED[name] : whole;
    const code = decimal ? Number(decimal) : parseInt(hex, 16);
    const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? String.fromCodePoint(code) : "\ufffd";
  });
}
