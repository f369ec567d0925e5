// @ts-check
// Copies text, also where there is no `navigator.clipboard`, as over plain http in a local network, or it may not be used.

import { codeOf } from "../markdown/code.js";
import { COPIED } from "../words.js";

/** @param {HTMLButtonElement} button of a block of code */
export const copyCode = (button) => copy(codeOf(/** @type {Element} */ (button.closest("figure"))).textContent ?? "", button);

/** @param {string} text @param {HTMLButtonElement} button says for a moment that it worked */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!select(text)) return;
  }
  const before = button.ariaLabel;
  if (before === COPIED) return;
  button.ariaLabel = COPIED;
  button.dataset.done = "";
  setTimeout(() => {
    button.ariaLabel = before;
    delete button.dataset.done;
  }, 2000);
}

/** @param {string} text @returns {boolean} whether it worked */
function select(text) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const box = document.createElement("textarea");
  box.value = text;
  box.style.position = "fixed"; // Or the page is scrolled to it.
  document.body.append(box);
  box.select();
  const works = document.execCommand("copy");
  box.remove();
  focused?.focus({ preventScroll: true });
  return works;
}
