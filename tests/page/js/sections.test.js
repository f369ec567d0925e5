// @ts-check
import { sections, untilMidnight } from "/static/chat/js/sections.js";
import { section } from "/static/chat/js/words.js";
import { equal, ok, test } from "./harness.js";

const now = new Date(2026, 10, 22, 0, 5); // five minutes into a Sunday, here

/** @param {Date} moment @returns {any} */
const entry = (moment, more = {}) => ({ id: String(moment), title: "", pinned: false, updated: moment.toISOString(), active: false, ...more });

/** @param {Date[]} moments @param {Date} at */
const keys = (moments, at = now) => sections(moments.map((moment) => entry(moment)), at).map(({ key, entries }) => [key, entries.length]);

test("a day begins at midnight where the reader is", () => {
  const moments = [new Date(2026, 10, 22, 0, 0), new Date(2026, 10, 21, 23, 59), new Date(2026, 10, 21, 0, 0), new Date(2026, 10, 20, 23, 59)];
  equal(keys(moments), [["today", 1], ["yesterday", 2], ["week", 1]]);
});

test("seven days ago is of the last 7 days, eight is of its month", () => {
  const moments = [new Date(2026, 10, 15), new Date(2026, 10, 14, 23, 59), new Date(2026, 9, 31), new Date(2025, 9, 31)];
  equal(keys(moments), [["week", 1], ["2026-11", 1], ["2026-10", 1], ["2025-10", 1]]);
});

test("what is a little ahead of this clock is of today", () => {
  equal(keys([new Date(2026, 10, 23, 12)]), [["today", 1]]);
});

test("days are counted, not hours: where clocks change, one has 23 or 25", () => {
  for (let date = 1; date <= 366; date += 1) {
    const [at, before] = [new Date(2026, 0, date, 0, 30), new Date(2026, 0, date - 1, 23, 30)];
    equal(keys([before, new Date(2026, 0, date - 7, 0, 1)], at), [["yesterday", 1], ["week", 1]], String(at));
  }
});

test("pinned ones are by themselves, however old", () => {
  const found = sections([entry(new Date(2020, 1, 1), { pinned: true }), entry(now, { pinned: true }), entry(now)], now);
  equal(found.map(({ key, entries }) => [key, entries.length]), [["pinned", 2], ["today", 1]]);
  equal(sections([], now), []);
});

test("midnight is as far as the next day", () => {
  equal(untilMidnight(new Date(2026, 10, 22, 23, 59, 59)), 1000);
  for (let date = 1; date <= 366; date += 1) {
    const at = new Date(2026, 0, date, 13, 7);
    const next = new Date(at.getTime() + untilMidnight(at));
    ok(next.getDate() !== at.getDate() && new Date(next.getTime() - 1).getDate() === at.getDate(), String(at));
  }
});

test("every section has a name", () => {
  equal(["pinned", "today", "yesterday", "week", "2026-10", "2025-01"].map(section), ["Pinned", "Today", "Yesterday", "Last 7 days", "October 2026", "January 2025"]);
});
