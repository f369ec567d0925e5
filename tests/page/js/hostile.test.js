// @ts-check
import { Highlighter } from "/static/chat/js/markdown/highlighter.js";
import { healed } from "/static/chat/js/markdown/healing.js";
import { Typesetter } from "/static/chat/js/markdown/typesetter.js";
import { StreamMarkdown } from "/static/chat/js/markdown/stream.js";
import { check } from "./allowed.js";
import { equal, ok, test } from "./harness.js";

const { payloads } = await (await fetch("/hostile.json")).json();
const template = (/** @type {string} */ id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));
const highlighter = new Highlighter(new URL("/static/chat/js/markdown/highlighter-worker.js", location.href).href);
const typesetter = new Typesetter("/static/vendor/katex/katex.min.css");
const OPTIONS = {
  code: template("code-template"),
  image: template("image-template"),
  heal: healed,
  highlight: (/** @type {HTMLElement} */ figure) => highlighter.highlight(figure),
  typeset: (/** @type {Node[]} */ nodes, /** @type {Node[] | undefined} */ old) => typesetter.typeset(nodes, old),
};
/** @type {string[]} */
const violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => violations.push(`${violatedDirective} ${blockedURI}`));

/** @param {string} text @param {number} size */
function drawn(text, size) {
  const root = document.createElement("div");
  document.body.append(root);
  const markdown = new StreamMarkdown(root, OPTIONS);
  for (let at = 0; at < text.length; at += size) {
    markdown.push(text.slice(at, at + size));
    markdown.flush();
    check(root, text);
  }
  markdown.finish();
  check(root, text);
  return root;
}

test("there are at least sixty", () => ok(payloads.length >= 60));

for (const [index, text] of payloads.entries()) {
  test(`payload ${index} does nothing: ${text.slice(0, 40)}`, () => {
    const long = text.length > 3000;
    for (const size of long ? [text.length, 997] : [text.length, 1, 3]) drawn(text, size).remove();
  });
}

test("nor do they all in one reply, while everything is loaded", async () => {
  const text = payloads.filter((/** @type {string} */ { length }) => length < 3000).join("\n\n");
  const root = drawn(`${text}\n\n$x$\n\n\`\`\`html\n<script>alert(1)</script>\n\`\`\`\n`, 50);
  await until(() => root.querySelector(".katex") && root.querySelector("figure .t-key"));
  check(root, text);
  for (const anchor of root.querySelectorAll("a")) ok(!/javascript|data:/i.test(anchor.protocol), anchor.href);
  equal(violations, []);
});

test("a line of spaces without an end takes no time", () => {
  const text = `x\n${" ".repeat(300_000)}y\n`;
  equal(healed(text), text);
});

/** @param {() => unknown} holds */
async function until(holds) {
  while (!holds()) await new Promise((resolve) => requestAnimationFrame(resolve));
}
