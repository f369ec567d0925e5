// @ts-check
import { healed } from "/static/chat/js/markdown/healing.js";
import { Series } from "/static/chat/js/markdown/series.js";
import { StreamMarkdown } from "/static/chat/js/markdown/stream.js";
import { lex } from "/static/chat/js/markdown/lexer.js";
import { LANGUAGES } from "/static/chat/js/markdown/languages.js";
import { misleads, target } from "/static/chat/js/markdown/links.js";
import { decode } from "/static/chat/js/markdown/entities.js";
import hljs from "/static/vendor/highlight/highlight.min.js";
import { difference } from "./difference.js";
import { equal, ok, test } from "./harness.js";

const template = (/** @type {string} */ id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));
const TEMPLATES = { code: template("code-template"), image: template("image-template") };
const corpus = await (await fetch("/corpus.json")).json();

/** The same numbers each time. @param {number} seed */
function chances(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @param {object} options */
function stream(options = {}) {
  const root = document.createElement("div");
  return { root, markdown: new StreamMarkdown(root, { ...TEMPLATES, name: "m", heal: healed, series: () => Series, ...options }) };
}

/** @param {string} text */
function whole(text) {
  const { root, markdown } = stream();
  markdown.push(text);
  markdown.finish();
  return root;
}

/** @param {string} text @param {() => number} chance @param {number} most */
function* pieces(text, chance, most) {
  for (let at = 0; at < text.length; ) {
    const size = 1 + Math.floor(chance() * most);
    yield text.slice(at, at + size);
    at += size;
  }
}

/** @param {string} text @param {() => number} chance @param {number} most */
function streamed(text, chance, most) {
  let without = Math.floor(chance() * 40); // The healing comes late, as in the page.
  const { root, markdown } = stream({
    heal: (/** @type {string} */ open) => (without-- > 0 ? open : healed(open)),
    series: () => (without > 0 ? undefined : Series),
  });
  for (const piece of pieces(text, chance, most)) {
    markdown.push(piece);
    markdown.flush();
  }
  markdown.finish();
  return root;
}

test("there is a corpus", () => ok(corpus.length > 5 && corpus.every((/** @type {any} */ { text }) => text.length > 50)));

for (const { name, text } of corpus) {
  test(`${name} looks the same, however it came`, () => {
    const once = whole(text);
    // Letter by letter only what was made for it: the project's own documents are long.
    for (const [seed, most] of name.startsWith("corpus/") ? [[1, 1], [2, 4], [3, 30], [4, 200], [5, 3000]] : [[3, 90], [4, 500], [5, 3000]]) {
      const grown = streamed(text, chances(seed), most);
      ok(grown.isEqualNode(once), `in pieces of up to ${most}: ${difference(grown, once)}`);
    }
  });

  test(`${name} looks as if it were whole, wherever it breaks off`, () => {
    const chance = chances(7);
    for (let count = 0; count < 12; count += 1) {
      const cut = text.slice(0, Math.floor(chance() * text.length));
      const [grown, once] = [streamed(cut, chance, 60), whole(cut)];
      ok(grown.isEqualNode(once), `after ${JSON.stringify(cut.slice(-60))}: ${difference(grown, once)}`);
    }
  });
}

test("what is settled is never taken away or replaced", () => {
  for (const { name, text } of corpus) {
    const { root, markdown } = stream();
    // Notes are gathered at the end, and a reference is a link once its definition came: both are told at the end.
    const observer = new MutationObserver(() => {});
    observer.observe(root, { childList: true, subtree: true, characterData: true });
    for (const piece of pieces(text, chances(9), 40)) {
      const before = [...root.children];
      markdown.push(piece);
      markdown.flush();
      const gone = before.filter((node) => !node.isConnected && node.parentNode !== root && node.className !== "footnotes");
      const records = observer.takeRecords();
      // All that went stood together at the end: what followed the settled blocks.
      const first = before.findIndex((node) => gone.includes(node));
      if (first >= 0) ok(before.slice(first).every((node) => gone.includes(node) || node.className === "footnotes"), `${name}: a block before the last went`);
      const kept = new Set(before.slice(0, first < 0 ? before.length : first));
      for (const record of records) {
        if (record.target === root) continue;
        const block = before.find((node) => node.contains(record.target));
        if (!block || !kept.has(block)) continue;
        // A list or table goes on after what is settled of it.
        const goesOn = record.type === "childList" && record.target.parentNode && [...record.removedNodes].every(() => !record.nextSibling) && block === [...kept].at(-1);
        ok(goesOn || (record.type === "characterData" && block.matches("figure")), `${name}: a settled block changed: ${block.outerHTML.slice(0, 200)}`);
      }
    }
  }
});

test("settled blocks stay the same nodes to the end", () => {
  const { root, markdown } = stream();
  markdown.push("# One\n\nTwo\n\n```js\nthree\n```\n\nFour\n\n");
  markdown.flush();
  const settled = [...root.children].slice(0, 3);
  for (const piece of ["Five", " and **six", "**\n\n- seven\n- ei", "ght\n\n[ref]: https://example.org/\n\n[ref]"]) {
    markdown.push(piece);
    markdown.flush();
  }
  markdown.finish();
  equal(settled.map((node, index) => root.children[index] === node), [true, true, true]);
});

test("open code grows in one text node", () => {
  const { root, markdown } = stream();
  markdown.push("```js\nlet");
  markdown.flush();
  const node = root.querySelector("pre code")?.firstChild;
  for (const piece of [" a = 1;\n", "``", "x\n", "let b;\n"]) {
    markdown.push(piece);
    markdown.flush();
  }
  const code = root.querySelector("pre code");
  ok(node && code?.firstChild === node && code.childNodes.length === 1);
  equal(code?.textContent, "let a = 1;\n``x\nlet b;");
});

for (const size of [25_000, 50_000, 100_000]) {
  test(`of ${size} characters each is read at most twenty times`, () => {
    const long = corpus.filter((/** @type {any} */ { name }) => !name.startsWith("corpus/broken")).map((/** @type {any} */ { text }) => text).join("\n\n");
    const text = `${long}\n\n`.repeat(Math.ceil(size / long.length)).slice(0, size);
    let read = 0;
    const counting = (/** @type {string} */ source, /** @type {any[]} */ ...rest) => {
      read += source.length;
      return lex(source, ...rest);
    };
    const { markdown } = stream({ lex: counting });
    for (const piece of pieces(text, chances(11), 100)) {
      markdown.push(piece);
      markdown.flush();
    }
    markdown.finish();
    ok(read / size <= 20, `${(read / size).toFixed(1)} times`);
  });
}

/** How often a pattern was tried. @param {() => void} act */
function tries(act) {
  const { exec } = RegExp.prototype;
  let count = 0;
  RegExp.prototype.exec = function (text) {
    count += 1;
    return exec.call(this, text);
  };
  try {
    act();
  } finally {
    RegExp.prototype.exec = exec;
  }
  return count;
}

for (const unit of ["*_a", "**a_", "!***a", "a*_", "~|*", "__a*__", "*a\n", "~a "]) {
  test(`what begins and never ends takes no longer for each character: ${JSON.stringify(unit)}`, () => {
    const [short, long] = [8_000, 32_000].map((size) => tries(() => lex(unit.repeat(size / unit.length))));
    ok(long <= 4.5 * short, `${short} tries, and ${long} of four times as much`);
  });
}

test("what is emphasised in a long paragraph is", () => {
  const root = whole("Some **bold** and *slanted* words of 3 * 4 and snake_case, ~~not~~ **one\nlong *stretch* more**. ".repeat(300));
  equal(["p > strong", "p > em", "strong > em", "del"].map((names) => root.querySelectorAll(names).length), [600, 300, 300, 300]);
});

test("an address is found in the end of a long word, not in all of it", () => {
  const address = (/** @type {number} */ size) => whole(`To ${"a_".repeat(size / 2)}@b.example.`).querySelector("a")?.getAttribute("href") ?? "";
  equal(address(10), "mailto:a_a_a_a_a_@b.example");
  ok(address(2_000).length < 500);
});

const SERIES = /** @type {Record<string, (index: number) => string>} */ ({
  list: (index) => `- item *${index}* of a list that goes on\n`,
  "list with lists": (index) => `${index + 7}. step ${index}\n   - this\n   - that, with \`code\`\n`,
  "loose list": (index) => `* [ ] item ${index}\n\n  and what belongs to it\n\n`,
  table: (index) => (index ? `| row ${index} | **${index * 3}** |\n` : "| what | how many |\n|------|---------:|\n"),
});

for (const [name, part] of Object.entries(SERIES)) {
  test(`of a long ${name} each character is read at most twenty times, and what is settled stays`, () => {
    const text = Array.from({ length: 400 }, (_, index) => part(index)).join("");
    let read = 0;
    const counting = (/** @type {string} */ source, /** @type {any[]} */ ...rest) => {
      read += source.length;
      return lex(source, ...rest);
    };
    const { root, markdown } = stream({ lex: counting });
    const partsOf = () => [...root.querySelectorAll(":scope > ul > li, :scope > ol > li, tr")];
    let before = /** @type {Element[]} */ ([]);
    for (const piece of pieces(text, chances(13), 100)) {
      markdown.push(piece);
      markdown.flush();
      const now = partsOf();
      // The last one grows, and the one before it settles once a whole line of the next is there.
      if (now.length > 10) ok(before.slice(0, -3).every((element, index) => element === now[index]), "an item or row was replaced");
      before = now;
    }
    markdown.finish();
    ok(root.isEqualNode(whole(text)), difference(root, whole(text)));
    ok(read / text.length <= 20, `${(read / text.length).toFixed(1)} times`);
  });
}

test("one item that has an empty line makes the whole list loose, whenever it comes", () => {
  const text = "- a\n- b\n  - c\n- d\n\n  e\n- f\n-\n- g\n\nh\n\n1) i\n2) j\n\n3) k\n4. l\n\n   - m\n- n\n* * *\n- o\n---\n- p\n\n-\n--\n- q";
  for (let size = 1; size < 20; size += 1) {
    const grown = streamed(text, () => 0.99, size);
    ok(grown.isEqualNode(whole(text)), `${size}: ${difference(grown, whole(text))}`);
  }
});

test("what a list defines is known below it", () => {
  const text = "- [a]: /b\n- c\n\nd\n\n[a]";
  const grown = streamed(text, chances(1), 2);
  ok(grown.isEqualNode(whole(text)), difference(grown, whole(text)));
});

test("marks that are still open show what they will be", () => {
  const { root, markdown } = stream();
  markdown.push("Some **bold text and `code");
  markdown.flush();
  equal([root.querySelector("strong")?.textContent, root.querySelector("code")?.textContent], ["bold text and code", "code"]);
  ok(root.querySelector("p")?.hasAttribute("data-caret"));
  markdown.finish();
  equal(root.innerHTML, '<p dir="auto">Some **bold text and `code</p>');
});

test("in a row that is not whole the caret is where the text ends", () => {
  const { root, markdown } = stream();
  markdown.push("| A | B |\n|---|---|\n| one");
  markdown.flush();
  equal(root.querySelector("td[data-caret]")?.textContent, "one");
  markdown.push(" | two");
  markdown.flush();
  equal(root.querySelector("td[data-caret]")?.textContent, "two");
});

test("what closes an open text adds no words to it", () => {
  for (const open of ["[^1]\n<![CDATA[\n[^1]: ", "see ![an image", "see [a link", "see [a link](https://a.exam"]) ok(!healed(open).includes("streamdown"), healed(open));
});

test("bare tags are elements, others are text", () => {
  const root = whole("H<sub>2</sub>O<br>a <b class=x>b</b> <u>open");
  equal([root.querySelector("sub")?.textContent, root.querySelectorAll("br").length, root.querySelector("b,u")], ["2", 1, null]);
  equal(root.textContent, "H2Oa <b class=x>b</b> <u>open");
});

test("links lead where they may", () => {
  const root = whole("[a](https://example.org/x) [b](/c/1) [c](#d) [e](mailto:a@b.example) [f](ftp://x.example)");
  const anchors = [...root.querySelectorAll("a")];
  equal(anchors.map((a) => a.getAttribute("href")), ["https://example.org/x", "/c/1", "#d", "mailto:a@b.example"]);
  equal(anchors.map((a) => a.target), ["_blank", "", "", ""]);
  ok(anchors.every((a) => a.rel === "noopener noreferrer nofollow ugc"));
  for (const bad of ["javascript:x", " https://x.example", "//x.example", "/\\x.example", "/\t/x.example", "/\n\\x.example", "data:,x", "https://", "x", ""]) equal(target(bad), null, bad);
});

test("a link whose text names another host says where it leads", () => {
  ok(misleads("https://good.example/path", "evil.example") && misleads("good.example", "evil.example"));
  ok(!misleads("https://www.good.example/", "good.example") && !misleads("read more", "evil.example"));
  equal(whole("[good.example](https://evil.example/)").querySelector("a")?.title, "evil.example");
});

test("an image is a link with the name of its host", () => {
  const root = whole("![A harbour](https://images.example/x.png)");
  equal([root.querySelector("img"), root.querySelector("a.image")?.textContent], [null, "A harbourimages.example"]);
});

test("tasks are boxes that nobody can click, with their text as a label", () => {
  const boxes = [...whole("- [x] done\n- [ ] not *yet*").querySelectorAll("input")];
  equal(boxes.map((box) => [box.type, box.disabled, box.checked, box.closest("label")?.textContent]), [
    ["checkbox", true, true, "done"],
    ["checkbox", true, false, "not yet"],
  ]);
});

test("a table scrolls by itself and says what it is", () => {
  const box = /** @type {HTMLElement} */ (whole("| A | B |\n|--:|---|\n| 1 | 2 |").querySelector(".table"));
  equal([box.role, box.tabIndex, box.ariaLabel], ["region", 0, "Table: A, B"]);
  equal(box.querySelector("td")?.dataset.align, "right");
});

test("footnotes lead there and back", () => {
  const root = whole("One[^a], two[^b], again[^a], none[^c].\n\n[^b]: Second.\n[^a]: First.");
  equal([...root.querySelectorAll(".reference")].map((mark) => mark.textContent), ["1", "2", "1"]);
  ok(root.querySelector("p")?.textContent?.endsWith("none[^c]."));
  equal([...root.querySelectorAll(".footnotes li")].map((item) => item.id), ["m-note-1", "m-note-2"]);
  equal(root.querySelector(".footnotes .back")?.getAttribute("href"), `#${root.querySelector(".reference a")?.id}`);
});

test("each block finds its own direction, and code has none", () => {
  const root = whole("# a\n\nb\n\n- c\n\n> d\n\n| e |\n|---|\n| f |\n\n```\ng\n```\n\n`h`");
  equal([...root.children].filter((block) => !block.matches("figure, [dir=auto]")), []);
  equal([...root.querySelectorAll("figure, p > code")].map((code) => code.getAttribute("dir")), ["ltr", "ltr"]);
});

test("what lists, quotes, and tables have around their text is on the side where it begins", () => {
  const source = ["- שלום\n- b", "1. שלום\n\n   c", "> שלום\n>\n> - d", "| שלום | e |\n|---|---|\n| f | g |", "- h\n- שלום"].join("\n\nText.\n\n");
  const root = whole(source);
  document.body.append(root);
  const sides = [...root.querySelectorAll("ul, ol, blockquote, table")].map((block) => getComputedStyle(block).direction);
  equal(sides, ["rtl", "rtl", "rtl", "rtl", "rtl", "ltr"]);
});

test("code has its language, and its text is what stands between the fences", () => {
  const figure = /** @type {HTMLElement} */ (whole("```Python title=x\n  a\n\n\n```\n").querySelector("figure"));
  equal([figure.querySelector("[data-part=language]")?.textContent, figure.dataset.language], ["Python", "python"]);
  equal(figure.querySelector("pre")?.textContent, "  a\n\n");
});

test("formulas are found, and money is none", () => {
  const root = whole("Inline $x_1$ and \\(y\\), but $5 and $10.\n\n$$\nz\n$$");
  equal([...root.querySelectorAll(".math")].map((box) => [box.localName, box.textContent]), [["span", "x_1"], ["span", "y"], ["div", "z"]]);
});

test("a formula without an end in what is bold takes none from what follows", () => {
  const formulas = whole("**a \\(b** c \\(d\\) e \\(f").querySelectorAll(".math");
  equal([...formulas].map(({ textContent }) => textContent), ["d"]);
});

test("texts and escapes that follow one another are one text, however many", () => {
  const { childNodes, textContent } = /** @type {Element} */ (whole(`${"a\\*&amp;<i>\\&lt;".repeat(50)}<br>b`).firstElementChild);
  equal([childNodes.length, textContent], [3, `${"a*&<i>&lt;".repeat(50)}b`]);
});

test("character references are read once", () => {
  equal(decode("&amp;lt; &lt; &#65;&#x42; &nope; &#0; &#xD800; & &;"), "&lt; < AB &nope; \ufffd \ufffd & &;");
});

test("the languages are those of highlight.js", () => {
  const known = hljs.listLanguages().flatMap((name) => [name, ...(hljs.getLanguage(name)?.aliases ?? [])]);
  const plain = ["plaintext", "text", "txt"];
  equal([...LANGUAGES].sort(), [...new Set(known.map((name) => name.toLowerCase()))].filter((name) => !plain.includes(name)).sort());
});
