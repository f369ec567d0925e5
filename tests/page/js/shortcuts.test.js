// @ts-check
import { SHORTCUTS, aria, caps, pressed, shortcut } from "/static/chat/js/shortcuts.js";
import { SHORTCUTS as WORDS } from "/static/chat/js/words-late.js";
import { equal, ok, test } from "./harness.js";

const NONE = { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, code: "" };
const AWAY = { typing: false, empty: true };
const EMPTY = { typing: true, empty: true };
const TYPING = { typing: true, empty: false };

/** @param {string} key @param {object} more */
const press = (key, more = {}) => ({ ...NONE, key, ...more });

test("every shortcut has its words, and no words are left over", () => {
  equal([...new Set(SHORTCUTS.map(({ id }) => id))].toSorted(), Object.keys(WORDS).toSorted());
});

test("no two shortcuts have the same keys", () => {
  equal(new Set(SHORTCUTS.map(({ keys }) => keys)).size, SHORTCUTS.length);
});

test("Command on a Mac is Control elsewhere, and never the other", () => {
  equal(shortcut(press("k", { metaKey: true }), TYPING, true), "palette");
  equal(shortcut(press("k", { ctrlKey: true }), TYPING, false), "palette");
  equal(shortcut(press("k", { ctrlKey: true }), TYPING, true), null);
  equal(shortcut(press("k", { metaKey: true }), TYPING, false), null);
});

test("more keys than asked for are another shortcut", () => {
  equal(shortcut(press("K", { ctrlKey: true, shiftKey: true }), AWAY, false), null);
  equal(shortcut(press("k", { ctrlKey: true, altKey: true }), AWAY, false), null);
  equal(shortcut(press("o", { ctrlKey: true }), AWAY, false), null);
  equal(shortcut(press("O", { ctrlKey: true, shiftKey: true }), AWAY, false), "new");
});

test("a character alone is a shortcut only where nobody types", () => {
  equal(shortcut(press("?", { shiftKey: true }), AWAY, false), "help");
  equal(shortcut(press("?", { shiftKey: true }), TYPING, false), null);
  equal(shortcut(press("?", { shiftKey: true }), EMPTY, false), null);
  for (const { keys, when } of SHORTCUTS) ok(!/^(Shift\+)?.$/u.test(keys) || when === "idle", keys);
});

test("a text that is being written keeps the keys that move in it", () => {
  equal(shortcut(press("ArrowUp", { altKey: true }), TYPING, true), null);
  equal(shortcut(press("ArrowUp", { altKey: true }), EMPTY, true), "previous-message");
  equal(shortcut(press("ArrowDown", { altKey: true }), AWAY, true), "next-message");
});

test("an input method keeps every key", () => {
  equal(shortcut(press("Escape", { isComposing: true }), TYPING, false), null);
  ok(!pressed("stop", press("Escape", { isComposing: true }), false));
});

test("letters lie where they are on a Latin keyboard, signs where they are on this one", () => {
  equal(shortcut(press("л", { code: "KeyK", ctrlKey: true }), AWAY, false), "palette");
  equal(shortcut(press("t", { code: "KeyK", ctrlKey: true }), AWAY, false), null); // Dvorak has its own letters.
  equal(shortcut(press(":", { ctrlKey: true, shiftKey: true }), AWAY, false), "copy-last-code");
  equal(shortcut(press("/", { ctrlKey: true, shiftKey: true }), AWAY, false), "help"); // Shift+7 in German
});

test("what an element hears itself is not heard by the page", () => {
  equal(shortcut(press("F2"), AWAY, false), null);
  ok(pressed("rename", press("F2"), false));
  ok(pressed("undo", press("z", { metaKey: true }), true));
  ok(!pressed("undo", press("z", { metaKey: true, shiftKey: true }), true)); // that is redo
});

test("keys are called as they are on the keyboard", () => {
  equal(caps("Mod+Shift+O", true), ["⌘", "⇧", "O"]);
  equal(caps("Mod+Shift+O", false), ["Ctrl", "Shift", "O"]);
  equal([aria("Mod+K", true), aria("Alt+Up", false)], ["Meta+K", "Alt+ArrowUp"]);
});
