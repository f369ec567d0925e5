// @ts-check
// Formulas as they are first drawn: as their TeX. `typesetter.js` comes with the first of them.

/** @typedef {{ tex: string, display: boolean }} Formula */

/** @type {WeakMap<Element, Formula>} */
const formulas = new WeakMap();

/** What is to be set in `box`; nothing where that is no formula. @param {Element} box */
export const formulaIn = (box) => formulas.get(box);

/** @param {Node[]} nodes @returns {HTMLElement[]} */
export function found(nodes) {
  const elements = /** @type {HTMLElement[]} */ (nodes.filter((node) => node.nodeType === 1));
  return elements.flatMap((element) => [element, .../** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll(".math"))]).filter(formulaIn);
}

/** `box` as a formula that is not set yet. @param {HTMLElement} box @param {{ tex: string, display: boolean }} token */
export function formula(box, { tex, display }) {
  const code = box.ownerDocument.createElement("code");
  code.textContent = tex;
  box.dir = "ltr";
  box.toggleAttribute("data-display", display);
  box.append(code);
  formulas.set(box, { tex, display });
  return box;
}
