// @ts-check
// Character references: `&amp;` → `&`. Those that people and models write; any other stays as it is.

/** @type {Record<string, string>} */
const NAMED = Object.fromEntries(
  (
    "amp & lt < gt > quot \" apos ' copy © reg ® trade ™ hellip … mdash — ndash – lsquo ‘ rsquo ’ ldquo “ rdquo ” bull • " +
    "middot · times × divide ÷ plusmn ± deg ° micro µ para ¶ sect § larr ← uarr ↑ rarr → darr ↓ harr ↔ lArr ⇐ rArr ⇒ hArr ⇔ " +
    "le ≤ ge ≥ ne ≠ asymp ≈ equiv ≡ infin ∞ sum ∑ prod ∏ radic √ part ∂ nabla ∇ int ∫ forall ∀ exist ∃ isin ∈ notin ∉ " +
    "cap ∩ cup ∪ sub ⊂ sup ⊃ and ∧ or ∨ minus − alpha α beta β gamma γ delta δ epsilon ε theta θ lambda λ mu μ pi π rho ρ " +
    "sigma σ tau τ phi φ omega ω Delta Δ Sigma Σ Omega Ω euro € pound £ yen ¥ cent ¢ laquo « raquo » frac12 ½ frac14 ¼ " +
    "frac34 ¾ sup1 ¹ sup2 ² sup3 ³ check ✓ hearts ♥"
  )
    .split(" ")
    .flatMap((word, index, words) => (index % 2 ? [] : [[word, words[index + 1]]])),
);
Object.assign(NAMED, { nbsp: "\u00a0", ensp: "\u2002", emsp: "\u2003", thinsp: "\u2009", shy: "\u00ad", zwnj: "\u200c", zwj: "\u200d" });

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
