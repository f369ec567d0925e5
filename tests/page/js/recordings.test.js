// @ts-check
// Frames as they were told, on which both reducers must agree: Python's result comes with each.
import { initial, reduce } from "/static/chat/js/store.js";
import { equal, ok, test } from "./harness.js";

const KEYS = ["id", "seq", "parent", "role", "status", "text", "length", "reasoning", "reasoning_length", "steps", "finish_reason", "error", "siblings"];

/** @param {any[]} frames */
function shown(frames) {
  const { conversation } = frames.find(({ type }) => type === "state");
  const state = frames.reduce(reduce, initial({ conversation }));
  equal(state.wants, null, "a recording leaves no gap");
  return state.messages.map((/** @type {any} */ message) => Object.fromEntries(KEYS.map((key) => [key, message[key] ?? null])));
}

const recordings = await (await fetch("/recordings.json")).json();

test("there are recordings", () => ok(recordings.length > 0));

for (const { name, frames, later, python } of recordings) {
  test(`${name}: JavaScript shows what Python shows`, () => equal(shown(frames), python));

  test(`${name}: an earlier state and the events since are a later state`, () => {
    frames.forEach((/** @type {any} */ frame, /** @type {number} */ index) => {
      const whole = frame.type === "state" && frame.messages.every((/** @type {any} */ row) => row.from === 0);
      if (whole) equal(shown(frames.slice(index)).slice(-later.messages.length), shown([later]), `from frame ${index}`);
    });
  });
}
