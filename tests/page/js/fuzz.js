// @ts-check
// What the fuzzer asks of the renderer: `examine(pieces)` logs what came of it, as one line of JSON.

import { Highlighter } from "/static/chat/js/markdown/highlighter.js";
import { healed } from "/static/chat/js/markdown/healing.js";
import { Typesetter } from "/static/chat/js/markdown/typesetter.js";
import { Series } from "/static/chat/js/markdown/series.js";
import { StreamMarkdown } from "/static/chat/js/markdown/stream.js";
import { check } from "./allowed.js";
import { difference } from "./difference.js";
import { ok } from "./harness.js";

const template = (/** @type {string} */ id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));
const highlighter = new Highlighter(new URL("/static/chat/js/markdown/highlighter-worker.js", location.href).href);
const typesetter = new Typesetter("/static/vendor/katex/katex.min.css");
const OPTIONS = {
  code: template("code-template"),
  image: template("image-template"),
  name: "m",
  typeset: (/** @type {Node[]} */ nodes, /** @type {Node[] | undefined} */ old) => typesetter.typeset(nodes, old),
};
const stage = document.createElement("div");
document.body.append(stage);
/** @type {string[]} */
const violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => violations.push(`${violatedDirective} ${blockedURI}`));

// Formulas are drawn at once from here on, so that two drawings of one are the same.
const loading = drawn(["$x$"]);
while (!loading.querySelector(".katex")) await new Promise((resolve) => setTimeout(resolve, 10));

/** @param {string[]} pieces @param {number} late so many flushes come before what heals is there @returns {HTMLElement} */
function drawn(pieces, late = 0, highlight = false) {
  const root = document.createElement("div");
  stage.append(root);
  const markdown = new StreamMarkdown(root, {
    ...OPTIONS,
    heal: (text) => (late-- > 0 ? text : healed(text)),
    series: () => (late > 0 ? undefined : Series),
    highlight: highlight ? (figure) => highlighter.highlight(figure) : undefined,
  });
  for (const piece of pieces) {
    markdown.push(piece);
    if (pieces.length < 2) continue;
    markdown.flush();
    check(root, pieces.join(""));
  }
  markdown.finish();
  check(root, pieces.join(""));
  return root;
}

/** @param {string[]} pieces @param {number} late */
function examine(pieces, late) {
  const text = pieces.join("");
  const began = performance.now();
  let wrong = "";
  try {
    const [grown, once] = [drawn(pieces, late), drawn([text], 0, true)];
    const came = grown.isEqualNode(once) ? "" : difference(grown, once);
    ok(!came, came);
    violations.splice(0).forEach((violation) => ok(false, violation));
  } catch (error) {
    wrong = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  stage.replaceChildren();
  console.log(JSON.stringify({ wrong, ms: performance.now() - began }));
}

Object.assign(globalThis, { examine: (/** @type {string[]} */ pieces, /** @type {number} */ late) => void setTimeout(examine, 0, pieces, late) });
