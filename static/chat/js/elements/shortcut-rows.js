// @ts-check
// The table of the keyboard shortcuts, which comes when it is first asked for.

import { clone, part, write } from "./parts.js";
import { SHORTCUTS, caps } from "../shortcuts.js";
import { keys as named } from "../words.js";
import * as words from "../words-late.js";

/** A row for each, which may have more keys than one. */
export function rows() {
  return Object.entries(Object.groupBy(SHORTCUTS, ({ id }) => id)).map(([id, all = []]) => {
    const row = clone("shortcut-template");
    write(part(row, "shortcut-name"), words.SHORTCUTS[id]);
    part(row, "shortcut-keys").replaceChildren(
      ...all.map(({ keys }) => {
        const combination = clone("keys-template");
        const key = combination.firstElementChild;
        combination.replaceChildren(
          ...named(caps(keys)).map((name) => {
            const cap = key.cloneNode();
            cap.textContent = name;
            return cap;
          }),
        );
        return combination;
      }),
    );
    return row;
  });
}
