// @ts-check
// What is said by the scripts that come when they are first asked for.

import { NUMBERS, gettext, ngettext } from "./catalog.js";

/** What the keyboard shortcuts do. @type {Record<string, string>} */
export const SHORTCUTS = {
  new: gettext("New chat"),
  palette: gettext("Commands and conversations"),
  sidebar: gettext("Show or hide the list"),
  compose: gettext("Write a message"),
  "edit-last": gettext("Edit your last message, while the box is empty"),
  stop: gettext("Stop the reply"),
  "copy-last": gettext("Copy the last reply"),
  "copy-last-code": gettext("Copy the last block of code"),
  "previous-message": gettext("To the message above"),
  "next-message": gettext("To the message below"),
  rename: gettext("Rename a conversation, in the list"),
  undo: gettext("Undo deleting a conversation"),
  help: gettext("Keyboard shortcuts"),
};

/** @param {string} title */
export const deleted = (title) => gettext("Deleted “%(title)s”", { title });

/** @param {string} title */
export const undoable = (title) => gettext("“%(title)s” is deleted. To undo it, press Control and Z now.", { title });

/** @param {string} query */
export const everywhere = (query) =>
  query ? gettext("Search everything for “%(query)s”", { query }) : gettext("Search everything");

/** @param {number} count */
export const fits = (count) => ngettext("%(count)s fits", "%(count)s fit", count, { count: NUMBERS.format(count) });
