// @ts-check
// A popover as a menu: it opens beside its button with the focus on the checked or first item, and keys move through it.
// The browser does the rest: the button's `popovertarget` toggles it, Escape closes it and gives the focus back.

import { isRtl } from "./parts.js";

const GAP = 4;
const EDGE = 8;

/** @param {HTMLElement} popover @param {() => HTMLElement} beside the button that it belongs to now */
export function asMenu(popover, beside) {
  popover.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") place(popover, beside().getBoundingClientRect());
  });
  popover.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const all = items(popover);
    (all.find((item) => item.ariaChecked === "true") ?? all[0])?.focus();
  });
  popover.addEventListener("keydown", (event) => {
    if (event.key === "Tab") popover.hidePopover(); // The focus goes on from the button.
  });
  byArrows(popover);
}

/** Lets keys move through the items, for a list of buttons and links as well. @param {HTMLElement} popover */
export function byArrows(popover) {
  popover.addEventListener("keydown", (event) => move(popover, event));
}

/** Where there is more room: above the button or below it. @param {HTMLElement} popover @param {DOMRect} button */
function place({ style }, { top, bottom, left, right }) {
  const above = top > innerHeight - bottom;
  style.top = above ? "auto" : `${bottom + GAP}px`;
  style.bottom = above ? `${innerHeight - top + GAP}px` : "auto";
  style.maxHeight = `${(above ? top : innerHeight - bottom) - GAP - EDGE}px`;
  style.setProperty("--start", `${isRtl() ? innerWidth - right : left}px`);
}

/** @param {HTMLElement} popover @param {KeyboardEvent} event */
function move(popover, event) {
  const all = items(popover);
  const at = all.indexOf(/** @type {HTMLElement} */ (popover.ownerDocument.activeElement));
  const to = target(event.key, at, all);
  if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  to.focus();
}

/** @param {string} key @param {number} at @param {HTMLElement[]} all */
function target(key, at, all) {
  if (key === "ArrowDown") return all[(at + 1) % all.length];
  if (key === "ArrowUp") return all.at(at < 1 ? -1 : at - 1);
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key.length > 1 || key === " ") return undefined;
  const following = [...all.slice(at + 1), ...all.slice(0, at + 1)];
  return following.find((item) => item.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()));
}

/** @param {HTMLElement} popover @returns {HTMLElement[]} */
function items(popover) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (popover.querySelectorAll(".menu-item"))].filter(
    (item) => !item.closest("[hidden]"),
  );
}
