// @ts-check
// A block of code, from the page's template.

/** @param {HTMLTemplateElement} template @param {string} info the words after the fence @param {string} text @returns {HTMLElement} */
export function figure(template, info, text) {
  const made = /** @type {HTMLElement} */ (template.ownerDocument.importNode(template.content, true).firstElementChild);
  const language = /^\S*/.exec(info.trim())?.[0] ?? "";
  made.dataset.language = language.toLowerCase();
  /** @type {HTMLElement} */ (made.querySelector("[data-part=language]")).textContent = language;
  codeOf(made).append(made.ownerDocument.createTextNode(text));
  return made;
}

/** @param {Element} figure */
export const codeOf = (figure) => /** @type {HTMLElement} */ (figure.querySelector("[data-part=code]"));

/** Wraps or cuts long lines. @param {HTMLButtonElement} button of their block */
export function toggleWrap(button) {
  button.ariaPressed = String(button.closest("figure")?.toggleAttribute("data-wrap"));
}

/**
 * Colours `code`, whose text stays the same. `runs` are [kind, start, end], in order and apart from each other.
 * @param {HTMLElement} code @param {[string, number, number][]} runs
 */
export function paint(code, runs) {
  const text = code.textContent ?? "";
  const pieces = [];
  let done = 0;
  for (const [kind, start, end] of runs) {
    if (start > done) pieces.push(text.slice(done, start));
    const span = code.ownerDocument.createElement("span");
    span.className = `t-${kind}`;
    span.textContent = text.slice(start, end);
    pieces.push(span);
    done = end;
  }
  code.replaceChildren(...pieces, text.slice(done));
}
