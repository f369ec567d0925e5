// @ts-check
import { memory } from "/static/chat/js/storage.js";
import { Unread } from "/static/chat/js/unread.js";
import { equal, test } from "./harness.js";

/** @param {Record<string, boolean>} active by id @returns {any[]} */
const list = (active) => Object.entries(active).map(([id, active]) => ({ id, title: id, pinned: false, updated: "1", active }));

/** @param {Set<string>} marks */
const ids = (marks) => [...marks].sort().join("");

test("a reply that ends while nobody looks leaves a mark until somebody does", () => {
  const unread = new Unread("u1", memory());
  equal(ids(unread.look(list({ a: true, b: true, c: false }), null)), "");
  equal(ids(unread.look(list({ a: false, b: true, c: false }), null)), "a");
  equal(ids(unread.look(list({ a: false, b: false, c: false }), "b")), "a");
  equal(ids(unread.look(list({ a: false, b: false, c: false }), "a")), "");
  equal(ids(unread.look(list({ a: false, b: false, c: false }), null)), "");
});

test("what ended while no page was open is found by the next", () => {
  const box = memory();
  new Unread("u1", box).look(list({ a: true }), "a");
  equal(ids(new Unread("u1", box).look(list({ a: false }), null)), "a");
});

test("the tabs of a person share it, and nobody else does", () => {
  const box = memory();
  const [one, two] = [new Unread("u1", box), new Unread("u1", box)];
  one.look(list({ a: true }), null);
  equal(ids(two.look(list({ a: false }), null)), "a");
  equal(ids(new Unread("u2", box).look(list({ a: false }), null)), "");
  one.look(list({ a: false }), "a");
  equal(ids(two.look(list({ a: false }), null)), "");
});

test("one that is not in the list now is not forgotten", () => {
  const unread = new Unread("u1", memory());
  unread.look(list({ a: true }), null);
  unread.look(list({ b: false }), null);
  equal(ids(unread.look(list({ a: false }), null)), "a");
});

test("it writes only what has changed, and goes on where nothing can be kept", () => {
  let written = 0;
  const box = memory();
  const counted = { getItem: box.getItem.bind(box), setItem: (/** @type {string} */ key, /** @type {string} */ text) => ((written += 1), box.setItem(key, text)) };
  const unread = new Unread("u1", counted);
  for (let times = 0; times < 3; times += 1) unread.look(list({ a: true }), null);
  equal(written, 1);
  const full = { getItem: () => null, setItem: () => { throw new Error("full"); } };
  equal(ids(new Unread("u1", full).look(list({ a: true }), null)), "");
});
