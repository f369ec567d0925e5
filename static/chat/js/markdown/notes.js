// @ts-check
// The footnotes of a reply: numbered as they are first referred to.

export class Notes {
  /** @type {Map<string, number>} */ #numbers;
  /** @type {Map<string, any>} label → its token, or null for one that is only known to exist */ #bodies;
  /** Whether a reference without a note is text. While a reply grows, its note may still come. */
  complete = false;

  /** @param {Notes} [others] what to begin with */
  constructor(others) {
    this.#numbers = new Map(others && others.#numbers);
    this.#bodies = new Map(others && others.#bodies);
  }

  /** @param {any} token */
  add(token) {
    if (!this.#bodies.has(token.label)) this.#bodies.set(token.label, token);
  }

  /** A reference to `label`; null where there is no such note. @param {string} label */
  refer(label) {
    if (this.complete && !this.#bodies.has(label)) return null;
    const first = !this.#numbers.has(label);
    if (first) this.#numbers.set(label, this.#numbers.size + 1);
    return { number: /** @type {number} */ (this.#numbers.get(label)), first };
  }

  /** Whether anything was said about notes. */
  get any() {
    return this.#numbers.size + this.#bodies.size > 0;
  }

  /** The notes that are referred to, in order. */
  *listed() {
    for (const [label, number] of this.#numbers) {
      const token = this.#bodies.get(label);
      if (token) yield { number, token };
    }
  }
}
