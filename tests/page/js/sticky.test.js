// @ts-check
import { fit } from "/static/chat/js/elements/parts.js";
import { StickyEnd } from "/static/chat/js/elements/sticky-end.js";
import { equal, ok, test } from "./harness.js";

const VIEW = 200;
const BLOCK = 100;
const BLOCKS = 10;
const END = BLOCKS * BLOCK - VIEW;

/** @param {HTMLElement} parent @param {number} height */
function block(parent, height) {
  const element = document.createElement("div");
  element.style.height = `${height}px`;
  parent.append(element);
}

/** Until the browser has told of all that happened by now, and of what that led to. */
async function settled() {
  for (let frame = 0; frame < 4; frame += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
}

/** A reader at the end of ten blocks. @param {HTMLElement} place where they stand */
async function reader(place = document.body) {
  const [scroller, content, stretch] = Array.from({ length: 3 }, () => document.createElement("div"));
  scroller.style.cssText = `height: ${VIEW}px; flex: 1; overflow-y: auto; overflow-anchor: none`;
  for (let count = 0; count < BLOCKS; count += 1) block(stretch, BLOCK);
  content.append(stretch);
  scroller.append(content);
  place.append(scroller);
  const told = { away: false };
  const end = new StickyEnd(scroller, content, (away) => (told.away = away));
  end.jump();
  await settled();
  equal([scroller.scrollTop, end.pinned], [BLOCKS * BLOCK - scroller.clientHeight, true]);
  return { scroller, stretch, end, told };
}

test("who is at the end stays there while the view grows and more comes before that is told of", async () => {
  const { scroller, stretch, end } = await reader();
  scroller.style.height = `${VIEW + 100}px`;
  equal(scroller.scrollTop, END - 100);
  block(stretch, 80);
  await settled();
  equal([scroller.scrollTop, end.pinned], [END - 100 + 80, true]);
  scroller.style.height = `${VIEW}px`;
  await settled();
  equal([scroller.scrollTop, end.pinned], [END + 80, true]);
});

test("who scrolled up is not pulled down by a view that grows and shrinks", async () => {
  const { scroller, stretch, end, told } = await reader();
  scroller.scrollTop -= 60;
  await settled();
  equal([end.pinned, told.away], [false, true]);
  scroller.style.height = `${VIEW + 100}px`;
  await settled();
  equal([scroller.scrollTop, end.pinned, told.away], [END - 100, false, false], "the end came to the reader");
  block(stretch, 80);
  scroller.style.height = `${VIEW}px`;
  await settled();
  equal([scroller.scrollTop, end.pinned, told.away], [END - 100, false, true]);
});

test("who leaves the end by a pixel at a time is let go, and comes back by scrolling down", async () => {
  const { scroller, stretch, end } = await reader();
  for (let step = 0; step < 6; step += 1) {
    scroller.scrollTop -= 1;
    await settled();
  }
  equal(end.pinned, false);
  block(stretch, 80);
  await settled();
  equal(scroller.scrollTop, END - 6);
  scroller.scrollTop = END + 80;
  await settled();
  block(stretch, 80);
  await settled();
  equal([scroller.scrollTop, end.pinned], [END + 160, true]);
});

test("a box that a script fits to its text moves nothing beside it", async () => {
  const [column, box] = [document.createElement("div"), document.createElement("textarea")];
  column.style.cssText = `display: flex; flex-direction: column; height: ${2 * VIEW}px`;
  document.body.append(column);
  const { scroller, end } = await reader(column);
  column.append(box);
  box.rows = 1;
  box.value = "One of many lines\n".repeat(5);
  const { supports } = CSS;
  CSS.supports = () => false; // A browser that cannot do it by itself.
  fit(box);
  await settled();
  const [before, high] = [scroller.scrollTop, box.clientHeight];
  fit(box);
  equal(scroller.scrollTop, before);
  await settled();
  equal([scroller.scrollTop, end.pinned], [before, true]);
  box.value = "";
  fit(box);
  CSS.supports = supports;
  ok(box.clientHeight < high / 3);
});
