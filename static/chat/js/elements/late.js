// @ts-check
// The elements that nobody sees before they ask for them: the script of each comes with the first asking.

/** @type {Record<string, () => Promise<CustomElementConstructor>>} */
const SCRIPTS = {
  "command-palette": async () => (await import("./command-palette.js")).CommandPalette,
  "conversation-menu": async () => (await import("./conversation-menu.js")).ConversationMenu,
  "retry-menu": async () => (await import("./retry-menu.js")).RetryMenu,
  "undo-toast": async () => (await import("./undo-toast.js")).UndoToast,
};

/** Waits until the element has its script. @param {HTMLElement} element */
export async function late({ localName }) {
  if (customElements.get(localName)) return;
  const script = await SCRIPTS[localName]();
  if (!customElements.get(localName)) customElements.define(localName, script);
}
