// @ts-check
// The text of a reply, drawn as Markdown: as often as it is cheap while it grows, and, of the history, once it comes
// near the view. Until then it is the text itself, as the server put it there.

import { part, template, write } from "./parts.js";
import { found } from "../markdown/math.js";
import { StreamMarkdown } from "../markdown/stream.js";

const NEAR = "800px 0px";
// Drawing takes a fifth of the time at most, and never makes a reader wait for longer than this (ms).
const PAUSE = { factor: 4, most: 250 };
// What could not be loaded is asked for again with the first text after so long (ms).
const AGAIN = 30_000;

export class RichText {
  #element;
  #message;
  #name;
  /** @type {StreamMarkdown | null} */ #stream = null;
  #text = "";
  #final = false;
  #pushed = 0;
  #next = 0;
  /** @type {any} */ #timer = null;

  /** @param {HTMLElement} element @param {HTMLElement} message whose place in the view counts @param {string} name unique in the page */
  constructor(element, message, name) {
    this.#element = element;
    this.#message = message;
    this.#name = name;
  }

  /** @param {string} text @param {boolean} final */
  draw(text, final) {
    if (!final) grow();
    if (text === this.#text && final === this.#final) return;
    const goesOn = !this.#final && text.startsWith(this.#text);
    if (!goesOn) this.#stream = null;
    this.#text = text;
    this.#final = final;
    if (this.#stream || !final) return this.#show();
    write(this.#element, text);
    whenNear(this.#message, () => this.#show());
  }

  /** Draws what still waits to come near the view. */
  now() {
    if (this.#stream) return;
    forget(this.#message);
    this.#show();
  }

  #show() {
    const began = performance.now();
    if (!this.#final && began < this.#next) {
      this.#timer ??= setTimeout(() => this.#show(), this.#next - began);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#stream) {
      this.#element.replaceChildren();
      this.#element.toggleAttribute("data-rich", true);
      this.#stream = new StreamMarkdown(this.#element, { ...options(), name: this.#name });
      this.#pushed = 0;
    }
    this.#stream.push(this.#text.slice(this.#pushed));
    this.#pushed = this.#text.length;
    if (this.#final) this.#stream.finish();
    else this.#stream.flush();
    const now = performance.now();
    this.#next = now + Math.min(PAUSE.factor * (now - began), PAUSE.most);
  }
}

/** @type {import("../markdown/stream.js").Options | null} */
let made = null;

/** What all replies of the page share. */
function options() {
  if (made) return made;
  const { highlighter = "", formulas = "" } = /** @type {HTMLElement} */ (document.querySelector("[data-highlighter]")).dataset;
  made = {
    code: template("code-template"),
    image: template("image-template"),
    highlight: (figure) => highlight(figure, highlighter),
    typeset: (nodes, old) => (typesetter ? typesetter.typeset(nodes, old) : found(nodes).length && typeset(formulas)),
    heal: (text) => heal(text),
    series: () => series,
  };
  return made;
}

/** @type {Promise<import("../markdown/highlighter.js").Highlighter> | null} */
let highlighting = null;

/** Comes with the first block of code in any language. @param {HTMLElement} figure @param {string} worker */
function highlight(figure, worker) {
  if (!figure.dataset.language) return;
  highlighting ??= import("../markdown/highlighter.js").then(({ Highlighter }) => new Highlighter(worker));
  highlighting.then(
    (ready) => ready.highlight(figure),
    () => setTimeout(() => (highlighting = null), AGAIN),
  );
}

/** @type {import("../markdown/typesetter.js").Typesetter | null} */
let typesetter = null;
/** @type {Promise<unknown> | null} */
let typesetting = null;

/** Comes with the first formula, and sets all that are there by then. @param {string} styles */
function typeset(styles) {
  typesetting ??= import("../markdown/typesetter.js").then(
    ({ Typesetter }) => {
      typesetter = new Typesetter(styles);
      typesetter.typeset([document.body]);
    },
    () => setTimeout(() => (typesetting = null), AGAIN),
  );
}

/** @type {Promise<unknown> | null} */
let growing = null;
/** @type {typeof import("../markdown/series.js").Series | undefined} */
let series;
let heal = (/** @type {string} */ text) => text;

/** What only a text that grows wants comes with the first reply that is waited for. */
function grow() {
  growing ??= Promise.all([import("../markdown/healing.js"), import("../markdown/series.js"), import("../markdown/warming.js")]).then(
    ([{ healed }, { Series }, { warm }]) => {
      [heal, series] = [healed, Series];
      warm(options());
    },
    () => setTimeout(() => (growing = null), AGAIN),
  );
}

/** @type {WeakMap<Element, () => void>} */
const waiting = new WeakMap();
/** @type {IntersectionObserver | null} */
let observer = null;

/** Acts once, when `element` comes near the view. @param {Element} element @param {() => void} act */
function whenNear(element, act) {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        const draw = waiting.get(target);
        if (!isIntersecting) continue;
        forget(target);
        draw?.();
      }
    },
    { root: part(document, "thread"), rootMargin: NEAR }, // the admin has none: there the page itself scrolls
  );
  waiting.set(element, act);
  // Seen anew, it is told of at once, wherever it is.
  observer.unobserve(element);
  observer.observe(element);
}

/** @param {Element} element */
function forget(element) {
  observer?.unobserve(element);
  waiting.delete(element);
}
