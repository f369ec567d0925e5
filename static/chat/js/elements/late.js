// @ts-check
// The elements that nobody sees before they ask for them: the script of each, which defines it, comes with the first asking.

/** @type {Record<string, () => Promise<unknown>>} */
const SCRIPTS = {
  "command-palette": () => import("./command-palette.js"),
  "conversation-menu": () => import("./conversation-menu.js"),
  "retry-menu": () => import("./retry-menu.js"),
  "undo-toast": () => import("./undo-toast.js"),
};

/** Waits until the element has its script. @param {HTMLElement} element */
export const late = ({ localName }) => SCRIPTS[localName]();
