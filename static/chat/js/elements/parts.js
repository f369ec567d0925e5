// @ts-check
// What every element does with the document: find its parts, clone a template, speak to those above it.

/** @param {ParentNode} root @param {string} name @returns {any} */
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/** @type {WeakMap<ParentNode, Map<string, any>>} */
const found = new WeakMap();

/**
 * A part that is there as long as its root, or never: it is looked for once, for thousands of messages may stand before it.
 * @param {ParentNode} root @param {string} name @returns {any}
 */
export function lasting(root, name) {
  const known = found.get(root) ?? new Map();
  if (!known.has(name)) found.set(root, known.set(name, part(root, name)));
  return known.get(name);
}

/** @param {ParentNode} root @param {string} name @returns {any} */
export const action = (root, name) => root.querySelector(`[data-action="${name}"]`);

/** @param {string} id @returns {HTMLTemplateElement} */
export const template = (id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));

/** Whether the page goes from right to left. */
export const isRtl = () => document.dir === "rtl";

/** A new element from a template. @param {string} id @returns {any} */
export const clone = (id) => document.importNode(template(id).content, true).firstElementChild;

/** @param {HTMLElement} element @param {string} name @param {object} detail */
export function say(element, name, detail = {}) {
  element.dispatchEvent(new CustomEvent(`chat:${name}`, { bubbles: true, detail }));
}

/** What a click in `root` was meant for. @param {Event} event @returns {{ name: string, button: HTMLButtonElement } | null} */
export function asked(event) {
  const button = /** @type {Element} */ (event.target).closest("[data-action]");
  return button instanceof HTMLButtonElement ? { name: button.dataset.action ?? "", button } : null;
}

/** Opens a dialog, and has it give the focus back to the button that led here, not to an item of a menu that is gone. @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  /** @type {HTMLElement | null} */ (document.querySelector(":popover-open:not([popover=manual])"))?.hidePopover();
  dialog.showModal();
}

/** Whether this Enter sends what is in `box`, as the person likes it. @param {KeyboardEvent} enter @param {HTMLElement} box */
export const sends = (enter, box) => enter.ctrlKey || enter.metaKey || ("enterSends" in box.dataset && !enter.shiftKey);

/** Sets text only where it differs, so that nothing is announced or selected anew. @param {HTMLElement} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Lets a textarea be as high as its text, where the style sheet alone cannot. @param {HTMLTextAreaElement} box */
export function fit(box) {
  if (CSS.supports("field-sizing", "content")) return;
  // Another one is measured: were this one low for a moment, what is above it would be scrolled.
  const twin = /** @type {HTMLTextAreaElement} */ (box.cloneNode());
  twin.style.cssText = `position: fixed; inline-size: ${box.offsetWidth}px`;
  box.after(twin);
  box.style.blockSize = `${twin.scrollHeight}px`;
  twin.remove();
}
