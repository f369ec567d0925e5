// @ts-check
// What is loaded only when it is needed: the highlighter's worker, and KaTeX.
import { Highlighter } from "/static/chat/js/markdown/highlighter.js";
import { healed } from "/static/chat/js/markdown/healing.js";
import { Typesetter } from "/static/chat/js/markdown/typesetter.js";
import { StreamMarkdown } from "/static/chat/js/markdown/stream.js";
import { equal, ok, test } from "./harness.js";

const WORKER = "/static/chat/js/markdown/highlighter-worker.js";
const template = (/** @type {string} */ id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));
/** @type {string[]} */
const violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, sample }) => violations.push(`${violatedDirective} ${sample}`));

const highlighter = new Highlighter(WORKER);
const typesetter = new Typesetter("/static/vendor/katex/katex.min.css");

function stream() {
  const root = document.createElement("div");
  document.body.append(root);
  const markdown = new StreamMarkdown(root, {
    code: template("code-template"),
    image: template("image-template"),
    heal: healed,
    highlight: (figure) => highlighter.highlight(figure),
    typeset: (nodes, old) => typesetter.typeset(nodes, old),
  });
  return { root, markdown };
}

const loaded = (/** @type {string} */ part) => performance.getEntriesByType("resource").some(({ name }) => name.includes(part));

/** @param {() => unknown} holds */
async function until(holds) {
  while (!holds()) await new Promise((resolve) => requestAnimationFrame(resolve));
}

test("nothing is loaded for text, for code that is open, or for a language that is unknown", () => {
  const { root, markdown } = stream();
  markdown.push("Text\n\n```klingon\nqapla\n```\n\n```python\nopen = 1\n");
  markdown.flush();
  ok(!loaded("highlight") || !loaded("vendor/highlight"));
  equal([loaded("vendor/katex"), root.querySelectorAll("figure span[class^=t-]").length], [false, 0]);
});

test("closed code is coloured, and its text stays the same", async () => {
  const { root, markdown } = stream();
  const code = 'def greet(name: str) -> str:\n    return f"Ahoy, {name}!"  # 1 < 2 & 3\n';
  markdown.push(`\`\`\`python\n${code}\`\`\`\n`);
  markdown.flush();
  await until(() => root.querySelector(".t-key"));
  equal(root.querySelector("pre")?.textContent, code.trimEnd());
  const kinds = [...root.querySelectorAll("pre span")].map(({ className, textContent }) => [className, textContent]);
  equal([kinds[0], kinds[1]], [["t-key", "def"], ["t-fn", "greet"]]);
  ok(kinds.some(([kind]) => kind === "t-str") && kinds.some(([kind]) => kind === "t-com"));
});

test("a formula is its TeX until KaTeX is there, and what KaTeX cannot read stays so", async () => {
  const { root, markdown } = stream();
  markdown.push("Before $x^2$ and $\\nosuchcommand$.\n\n\\[ \\boxed{42} \\]\n\nAfter ");
  markdown.flush();
  equal(root.querySelector(".math code")?.textContent, "x^2");
  const paragraph = root.querySelector("p");
  await until(() => root.querySelectorAll(".katex").length === 2);
  equal(root.querySelector("p"), paragraph);
  equal([...root.querySelectorAll(".math > code")].map((code) => code.textContent), ["\\nosuchcommand"]);
  markdown.push("$y$ grows");
  markdown.flush();
  const set = [...root.querySelectorAll(".katex")].at(-1);
  markdown.push(" on and **on");
  markdown.flush();
  ok(set && root.contains(set), "a formula that is set is not set again");
  markdown.finish();
});

test("a formula that would take seconds to set stays its TeX", async () => {
  const many = `$\\def\\x{${"a".repeat(500)}}${"\\x".repeat(80)}$`;
  const { root, markdown } = stream();
  markdown.push(`${many} and $${"a".repeat(5_001)}$ and $\\def\\y{y^2}\\y$`);
  markdown.finish();
  await until(() => root.querySelectorAll(".katex").length === 1);
  equal(root.querySelectorAll(".math > code").length, 2);
});

test("what KaTeX draws violates nothing", async () => {
  const { root, markdown } = stream();
  const formulas = [
    ..."\\frac{a}{b} \\sqrt[3]{x} \\boxed{42} \\cancel{x} \\color{red}{x} \\underbrace{a+b}_{c} \\overrightarrow{AB}".split(" "),
    "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}",
    "\\begin{array}{|c|c|} \\hline 1 & 2 \\\\ \\hline \\end{array}",
    "\\fcolorbox{red}{blue}{x}",
    "\\pmb{x} \\rule{1em}{1em} \\raisebox{1em}{x} \\phantom{x} \\tag{1}",
    "\\xrightarrow{abc} \\widehat{xyz} \\mathbb{R} \\int_0^1",
  ];
  markdown.push(formulas.map((tex) => `$$${tex}$$`).join("\n\n"));
  markdown.finish();
  await until(() => root.querySelectorAll(".katex-display").length >= formulas.length - 1);
  equal(violations, []);
});
