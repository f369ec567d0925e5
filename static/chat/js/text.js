// @ts-check
// Text → DOM nodes. Draws a reply while it grows: a settled block is never touched again, only the last one is redrawn,
// and code that is still open just grows. The marks (fences, backticks) are there but hidden, so that the `textContent`
// of the whole is the text itself.

import { firstBlock, spans } from "./blocks.js";

/** @typedef {import("./blocks.js").Block} Block */

export class TextView {
  #root;
  #code;
  #text = "";
  #settled = 0;
  /** @type {{ node: ChildNode, block: Block } | null} the block that may still change */ #live = null;

  /** @param {HTMLElement} root emptied at the first `draw` @param {HTMLTemplateElement} code the template of a code block */
  constructor(root, code) {
    this.#root = root;
    this.#code = code;
    root.replaceChildren();
  }

  /** @param {string} text */
  draw(text) {
    if (!text.startsWith(this.#text)) this.#clear();
    this.#text = text;
    while (this.#settled < text.length) {
      const block = firstBlock(text.slice(this.#settled));
      this.#show(block);
      if (!block.settled) return;
      this.#settled += block.raw.length;
      this.#live = null;
    }
  }

  #clear() {
    this.#root.replaceChildren();
    this.#settled = 0;
    this.#live = null;
  }

  /** @param {Block} block */
  #show(block) {
    const live = this.#live;
    if (live && block.kind === "code" && live.block.fence === block.fence && this.#grow(live, block)) return;
    const node = this.#make(block);
    if (live) live.node.replaceWith(node);
    else this.#root.append(node);
    this.#live = { node, block };
  }

  /** Open code is appended to, so that a selection in it survives. @param {{ node: ChildNode, block: Block }} live @param {Block} block */
  #grow(live, block) {
    const [held, body] = [live.block.body ?? "", block.body ?? ""];
    if (!body.startsWith(held)) return false; // What looked like the closing line was none.
    const figure = /** @type {HTMLElement} */ (live.node);
    if (body.length > held.length) textOf(figure, "code").appendData(body.slice(held.length));
    textOf(figure, "close").data = block.close ?? "";
    live.block = block;
    return true;
  }

  /** @param {Block} block @returns {ChildNode} */
  #make(block) {
    const page = this.#root.ownerDocument;
    if (block.kind === "gap") return page.createTextNode(block.raw);
    if (block.kind === "paragraph") return this.#paragraph(block.raw);
    const figure = /** @type {HTMLElement} */ (this.#root.ownerDocument.importNode(this.#code.content, true).firstElementChild);
    const [, mark, language, end] = /** @type {string[]} */ (/^(\s*[`~]+)([^\n]*)(\n?)$/.exec(block.fence ?? ""));
    textOf(figure, "fence").data = mark;
    textOf(figure, "language").data = language;
    textOf(figure, "line-end").data = end;
    textOf(figure, "code").data = block.body ?? "";
    textOf(figure, "close").data = block.close ?? "";
    return figure;
  }

  /** @param {string} raw */
  #paragraph(raw) {
    const page = this.#root.ownerDocument;
    const paragraph = page.createElement("p");
    paragraph.dir = "auto";
    for (const { text, mark } of spans(raw)) {
      if (!mark) {
        paragraph.append(text);
        continue;
      }
      const code = page.createElement("code");
      code.append(hidden(page, mark), text, hidden(page, mark));
      paragraph.append(code);
    }
    return paragraph;
  }
}

/** The one text node of a part. @param {HTMLElement} figure @param {string} part */
function textOf(figure, part) {
  const element = /** @type {HTMLElement} */ (figure.querySelector(`[data-part="${part}"]`));
  if (!element.firstChild) element.append("");
  return /** @type {Text} */ (element.firstChild);
}

/** @param {Document} page @param {string} mark */
function hidden(page, mark) {
  const span = page.createElement("span");
  span.hidden = true;
  span.append(mark);
  return span;
}
