// @ts-check
// The keyboard shortcuts: which keys ask for what, and when. Pure; what they are called is in `words.js`.

/**
 * `keys`: "Mod" is Command on a Mac and Control elsewhere; "Up" and "Down" are the arrows. `when`: not while there is text in
 * the box that has the focus ("empty"), or not while that is a box at all ("idle"); else always. `at`: only the element
 * that has the focus, and hears of it itself, answers.
 * @typedef {{ id: string, keys: string, when?: "empty" | "idle", at?: "composer" | "list" | "page" }} Shortcut
 */

/** @type {Shortcut[]} */
export const SHORTCUTS = [
  { id: "new", keys: "Mod+Shift+O" },
  { id: "palette", keys: "Mod+K" },
  { id: "sidebar", keys: "Mod+Shift+S" },
  { id: "compose", keys: "Shift+Escape" },
  { id: "edit-last", keys: "Up", at: "composer" },
  { id: "stop", keys: "Escape" },
  { id: "copy-last", keys: "Mod+Shift+C" },
  { id: "copy-last-code", keys: "Mod+Shift+;" },
  { id: "previous-message", keys: "Alt+Up", when: "empty" },
  { id: "next-message", keys: "Alt+Down", when: "empty" },
  { id: "rename", keys: "F2", at: "list" },
  { id: "undo", keys: "Mod+Z", at: "page" },
  { id: "help", keys: "Mod+/" },
  { id: "help", keys: "?", when: "idle" },
];

/** @typedef {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey"> & { isComposing?: boolean, keyCode?: number }} Press */

/**
 * Whether a press is an input method's, and means nothing to the page. Safari tells the one that ends a word by this number.
 * @param {Pick<Press, "isComposing" | "keyCode">} press
 */
export const composes = ({ isComposing, keyCode }) => isComposing || keyCode === 229;

const NAMES = { Up: "ArrowUp", Down: "ArrowDown" };
const SHOWN = { Up: "↑", Down: "↓", Escape: "Esc", Mod: "Ctrl" };
const MAC = { ...SHOWN, Mod: "⌘", Shift: "⇧", Alt: "⌥" };

const IS_MAC = /^(Mac|iP)/.test(navigator.platform);

/** @param {Press} press @param {string} keys */
function presses(press, keys, mac = IS_MAC) {
  if (composes(press)) return false;
  const { key, code, ctrlKey, metaKey, shiftKey, altKey } = press;
  const wanted = keys.split("+");
  const last = wanted.at(-1) ?? "";
  const [mod, other] = mac ? [metaKey, ctrlKey] : [ctrlKey, metaKey];
  if (other || mod !== wanted.includes("Mod") || altKey !== wanted.includes("Alt")) return false;
  // Where a sign lies differs from keyboard to keyboard, and with it whether it needs Shift.
  if (last === ";") return shiftKey && (key === ";" || key === ":");
  if (/^\W$/.test(last)) return key === last;
  if (shiftKey !== wanted.includes("Shift")) return false;
  // A keyboard of other letters has these where they are on a Latin one.
  if (last.length === 1) return key.toUpperCase() === last || (!/^[ -~]$/.test(key) && code === `Key${last}`);
  return key === (/** @type {Record<string, string>} */ (NAMES)[last] ?? last);
}

/** Whether these are the keys of that shortcut. @param {string} id @param {Press} press */
export const pressed = (id, press, mac = IS_MAC) => SHORTCUTS.some((each) => each.id === id && presses(press, each.keys, mac));

/**
 * What a press anywhere in the page asks for, or null.
 * @param {Press} press @param {{ typing: boolean, empty: boolean }} box whether the focus is in one, and whether that is empty
 */
export function shortcut(press, { typing, empty }, mac = IS_MAC) {
  const allowed = (/** @type {Shortcut} */ { when, at }) => !at && !(when === "idle" && typing) && !(when === "empty" && typing && !empty);
  return SHORTCUTS.find((each) => allowed(each) && presses(press, each.keys, mac))?.id ?? null;
}

/** The keys as they are called on the keyboard. @param {string} keys @returns {string[]} */
export const caps = (keys, mac = IS_MAC) => keys.split("+").map((key) => /** @type {Record<string, string>} */ (mac ? MAC : SHOWN)[key] ?? key);

/** For `aria-keyshortcuts`. @param {string} keys */
export const aria = (keys, mac = IS_MAC) =>
  keys
    .split("+")
    .map((key) => (key === "Mod" ? (mac ? "Meta" : "Control") : (/** @type {Record<string, string>} */ (NAMES)[key] ?? key)))
    .join("+");
