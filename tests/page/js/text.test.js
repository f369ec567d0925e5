// @ts-check
import { firstBlock } from "/static/chat/js/blocks.js";
import { TextView } from "/static/chat/js/text.js";
import { equal, ok, test } from "./harness.js";

const TEXTS = [
  "One line.",
  "Two lines\nof one paragraph.\n\nAnother, with `code` and ``co`de``.\n",
  "Before\n```python\ndef f():\n    return '`'\n\n\nprint(f())\n```\nAfter",
  "~~~\n```\nnot closed by the other\n~~~~\n\n\n\n  \nEnd",
  "```\nnever closed\n\n",
  "```js\nlet a = 1;\n``` not the end\n```\n",
  "\n\n  leading\n```\n```\n",
  "<b onclick=x>&amp;</b> `<script>`",
  "`not\ncode",
  "🚢 harbour\n\n🚢",
];

const template = /** @type {HTMLTemplateElement} */ (document.getElementById("code-template"));

function view() {
  const root = document.createElement("div");
  return { root, text: new TextView(root, template) };
}

/** @param {string} text */
function whole(text) {
  const { root, text: drawn } = view();
  drawn.draw(text);
  return root;
}

test("the blocks of a text, joined, are the text", () => {
  for (const text of TEXTS) {
    let joined = "";
    while (joined.length < text.length) joined += firstBlock(text.slice(joined.length)).raw;
    equal(joined, text);
  }
});

test("what is drawn says exactly the text, at every length on the way", () => {
  for (const text of TEXTS) {
    const { root, text: drawn } = view();
    for (let end = 1; end <= text.length; end += 1) {
      drawn.draw(text.slice(0, end));
      equal(root.textContent, text.slice(0, end));
    }
  }
});

test("a text that grew looks like one that was there at once", () => {
  for (const text of TEXTS) {
    const { root, text: drawn } = view();
    for (let end = 0; end < text.length; end += 1 + (end % 3)) drawn.draw(text.slice(0, end));
    drawn.draw(text);
    const once = whole(text);
    for (const each of [root, once]) each.normalize(); // Empty lines may have come in several pieces.
    ok(root.isEqualNode(once), `differs: ${JSON.stringify(text)}`);
  }
});

test("a settled block is never drawn again", () => {
  const { root, text: drawn } = view();
  drawn.draw("One.\n\n```\ncode\n```\nTwo");
  const [one, code] = root.children;
  drawn.draw("One.\n\n```\ncode\n```\nTwo and more\n\nThree");
  ok(root.children[0] === one && root.children[1] === code);
  equal(root.children.length, 4);
});

test("open code grows in place", () => {
  const { root, text: drawn } = view();
  drawn.draw("```\nlet");
  const node = root.querySelector("pre code")?.firstChild;
  drawn.draw("```\nlet a = 1;\nlet b");
  ok(node && root.querySelector("pre code")?.firstChild === node);
});

test("code shows its language and hides its fences", () => {
  const root = whole("```python\nprint()\n```\n");
  equal(root.querySelector("[data-part=language]")?.textContent, "python");
  equal(root.querySelector("pre")?.textContent, "print()\n");
  ok(/** @type {HTMLElement} */ (root.querySelector("[data-part=fence]")).hidden);
});

test("another text replaces the first", () => {
  const { root, text: drawn } = view();
  drawn.draw("One.\n\nTwo.");
  drawn.draw("Other");
  ok(root.isEqualNode(whole("Other")));
});

test("markup stays text", () => {
  const root = whole("<img src=x onerror=alert(1)>");
  equal([root.querySelector("img"), root.querySelectorAll("p").length], [null, 1]);
});
