// @ts-check
// Sets formulas. KaTeX is loaded with the first one; until then, and where KaTeX cannot read it, a formula is its TeX.

import { formulaIn, found } from "./math.js";

/** @typedef {{ render: (tex: string, into: HTMLElement, options: object) => void }} Katex */

// What could not be loaded is asked for again with the first formula after so long (ms).
const AGAIN = 30_000;

// Their MathML sets a `style` attribute, which the page's policy forbids.
const MACROS = { "\\pmb": "\\boldsymbol{#1}", "\\fcolorbox": "\\colorbox{#2}{#3}" };

// A longer formula stays its TeX, and so does one that makes itself longer: KaTeX takes the square of what it sets.
const MOST = 5_000; // characters
const DEFINES = /\\(?:[gex]?def|(?:re)?newcommand|providecommand)(?![a-zA-Z])/;
const EXPANSIONS = 500;

export class Typesetter {
  #styles;
  /** @type {Katex | null} */ #katex = null;
  /** @type {Promise<unknown> | null} */ #loading = null;
  /** @type {Set<HTMLElement>} */ #waiting = new Set();

  /** @param {string} styles the address of KaTeX's style sheet */
  constructor(styles) {
    this.#styles = styles;
  }

  /**
   * Sets the formulas in `nodes`. Those that stand in `old`, which is about to go, move over as they are.
   * @param {Node[]} nodes @param {Node[]} old
   */
  typeset(nodes, old = []) {
    const boxes = found(nodes).filter((box) => box.firstElementChild?.localName === "code");
    if (!boxes.length) return;
    const ready = new Map(found(old).map((box) => [key(box), box]));
    for (const box of boxes) {
      const same = ready.get(key(box));
      ready.delete(key(box));
      if (same && same.firstElementChild?.localName !== "code") box.replaceChildren(...same.childNodes);
      else if (this.#katex) this.#set(box);
      else this.#waiting.add(box);
    }
    if (this.#katex) return;
    this.#loading ??= this.#load(boxes[0].ownerDocument).catch(() => setTimeout(() => (this.#loading = null), AGAIN));
  }

  /** @param {Document} page */
  async #load(page) {
    const sheet = page.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = this.#styles;
    const styled = new Promise((resolve, reject) => {
      sheet.addEventListener("load", resolve, { once: true });
      sheet.addEventListener("error", reject, { once: true });
    });
    page.head.append(sheet);
    await Promise.all([import("../../../vendor/katex/katex.min.js"), styled]);
    this.#katex = /** @type {any} */ (globalThis).katex;
    for (const box of this.#waiting) if (box.isConnected) this.#set(box);
    this.#waiting.clear();
  }

  /** @param {HTMLElement} box */
  #set(box) {
    const { tex, display } = /** @type {import("./math.js").Formula} */ (formulaIn(box));
    if (tex.length > MOST) return;
    const maxExpand = DEFINES.test(tex) ? Math.min(EXPANSIONS, Math.floor(MOST / tex.length)) : EXPANSIONS;
    const drawn = box.ownerDocument.createElement("span");
    try {
      this.#katex?.render(tex, drawn, { displayMode: display, macros: { ...MACROS }, maxExpand, maxSize: 20, strict: "ignore" });
      box.replaceChildren(...drawn.childNodes);
    } catch {
      // It stays its TeX.
    }
  }
}

/** @param {HTMLElement} box */
function key(box) {
  const of = formulaIn(box);
  return `${of?.display} ${of?.tex}`;
}
