// @ts-check
// Copies text, also over plain http in a local network, where there is no `navigator.clipboard`.

import { part } from "./parts.js";
import { COPIED } from "../words.js";

/** @param {string} text @param {HTMLButtonElement} button says for a moment that it worked */
export async function copy(text, button) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else select(text);
  const before = button.ariaLabel;
  if (before === COPIED) return;
  button.ariaLabel = COPIED;
  button.dataset.done = "";
  setTimeout(() => {
    button.ariaLabel = before;
    delete button.dataset.done;
  }, 2000);
}

/** @param {string} text */
function select(text) {
  const box = part(document, "copy-box");
  box.hidden = false;
  box.value = text;
  box.select();
  document.execCommand("copy");
  box.hidden = true;
}
