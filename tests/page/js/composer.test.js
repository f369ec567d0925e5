// @ts-check
import { Drafts, NEW } from "/static/chat/js/drafts.js";
import { ChatComposer } from "/static/chat/js/elements/chat-composer.js";
import { clone, part } from "/static/chat/js/elements/parts.js";
import { memory } from "/static/chat/js/storage.js";
import { initial } from "/static/chat/js/store.js";
import { equal, test } from "./harness.js";
import { CONVERSATION } from "./rows.js";

customElements.define("chat-composer", ChatComposer);

/** A composer of a new chat in which this is written. @param {string} text @param {object} fields of the state */
function composer(text, fields = {}) {
  const [box, drafts, state] = [clone("composer-template"), new Drafts("u1", memory()), { ...initial(), ...fields }];
  document.body.append(box);
  box.drafts = drafts;
  box.render(state);
  const [input, said] = [part(box, "composer-input"), /** @type {string[]} */ ([])];
  for (const name of ["send", "stop"]) box.addEventListener(`chat:${name}`, () => said.push(name));
  input.value = text;
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  return { box, drafts, state, input, said };
}

test("an Enter that is held down, from what had the focus before, sends nothing; the next one does", () => {
  const { input, said } = composer("half a question");
  for (const repeat of [true, false]) {
    const enter = new KeyboardEvent("keydown", { key: "Enter", repeat, bubbles: true, cancelable: true });
    input.dispatchEvent(enter);
    equal([enter.defaultPrevented, said.length], [true, repeat ? 0 : 1]);
  }
  equal(input.value, "");
});

test("the second click of a double one on Send does not stop the reply; any other does", () => {
  const { box, said } = composer("");
  const click = (/** @type {number} */ detail) => part(box, "stop").dispatchEvent(new MouseEvent("click", { detail }));
  click(2);
  equal(said, []);
  for (const detail of [0, 1, 3]) click(detail); // 0 is a key's.
  equal(said, ["stop", "stop", "stop"]);
});

test("what was written in a conversation that is deleted becomes the draft of a new chat, once", () => {
  for (const made of [true, false]) {
    const { box, drafts, state, input } = composer("not yet sent", { conversation: CONVERSATION, made });
    box.render({ ...state, gone: true });
    equal([input.disabled, drafts.read(made ? CONVERSATION : NEW)], [true, "not yet sent"]);
    for (const _ of ["leaves", "leaves again"]) dispatchEvent(new PageTransitionEvent("pagehide"));
    equal([drafts.read(NEW), drafts.read(CONVERSATION)], ["not yet sent", ""], made ? "made" : "not made");
    box.remove();
  }
});
