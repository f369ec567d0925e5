// @ts-check
// Colours code in a worker, which is started with the first block in a language that it knows.

import { codeOf, paint } from "./code.js";
import { LANGUAGES } from "./languages.js";

const MOST = 100_000; // characters

export class Highlighter {
  #url;
  /** @type {any} the same, as trusted types want it */ #trusted = null;
  /** @type {Worker | null} */ #worker = null;
  /** @type {Map<number, HTMLElement>} */ #waiting = new Map();
  #asked = 0;

  /** @param {string} url of the worker's module */
  constructor(url) {
    this.#url = url;
  }

  /** @param {HTMLElement} figure a block that grows no more */
  highlight(figure) {
    const code = codeOf(figure);
    const { language = "" } = figure.dataset;
    const text = code.textContent ?? "";
    if (!LANGUAGES.has(language) || !text || text.length > MOST) return;
    this.#worker ??= this.#start();
    this.#asked += 1;
    this.#waiting.set(this.#asked, code);
    this.#worker.postMessage({ id: this.#asked, language, text });
  }

  #start() {
    this.#trusted ??= this.#vouched();
    const worker = new Worker(this.#trusted, { type: "module" });
    worker.onmessage = ({ data: { id, runs } }) => {
      const code = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (code) paint(code, runs);
    };
    worker.onerror = () => {
      // It could not be loaded, or has failed: the next block starts another.
      worker.terminate();
      this.#waiting.clear();
      this.#worker = null;
    };
    return worker;
  }

  /** Trusted types let a page start a worker only from an address that a policy vouches for: this one, and no other. */
  #vouched() {
    const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("app", {
      createScriptURL: (/** @type {string} */ url) => {
        if (url !== this.#url) throw new TypeError(`not a script of this page: ${url}`);
        return url;
      },
    });
    return policy ? policy.createScriptURL(this.#url) : this.#url;
  }
}
