// @ts-check
import { paragraphsEnd } from "/static/chat/js/spoken.js";
import { equal, test } from "./harness.js";

test("paragraphs are told whole, and each once", () => {
  const told = [];
  let from = 0;
  for (const text of ["One", "One.\n", "One.\n\nTw", "One.\n\nTwo.\n\nThree.\n\nFo"]) {
    const end = paragraphsEnd(text, from);
    if (end > from) told.push(text.slice(from, end).trim());
    from = end;
  }
  equal(told, ["One.", "Two.\n\nThree."]);
});
