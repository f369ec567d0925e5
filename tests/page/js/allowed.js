// @ts-check
// What a reply may consist of, whoever wrote it.

import { ok } from "./harness.js";

const ELEMENTS = new Set(
  (
    "a abbr b blockquote br button code del div em figcaption figure h3 h4 h5 h6 hr i input ins kbd label li mark ol p pre s section " +
    "small span strong sub sup svg table tbody td th thead tr u ul use path"
  ).split(" "),
);
const ATTRIBUTES = new Set(
  (
    "href rel target title id class dir type disabled checked role tabindex aria-label aria-hidden aria-pressed scope start hidden " +
    "data-level data-align data-caret data-part data-language data-action data-display data-bare"
  ).split(" "),
);
const LEADS = /^(https?:\/\/|mailto:|tel:|#|\/(?![/\\]))/;
const ACTIVE = "script, img, iframe, object, embed, link, style, form, base, meta, video, audio, a[href^=j]";

/** Fails where `root`, drawn from `text`, has something else. @param {Element} root @param {string} text */
export function check(root, text) {
  for (const element of root.querySelectorAll(":not(.katex, .katex *)")) {
    ok(ELEMENTS.has(element.localName), `<${element.localName}> of ${text.slice(0, 80)}`);
    if (element.closest("svg")) continue;
    for (const { name, value } of element.attributes) {
      ok(ATTRIBUTES.has(name), `${name}="${value}" of ${text.slice(0, 80)}`);
      if (name === "href") ok(LEADS.test(value), `href="${value}" of ${text.slice(0, 80)}`);
    }
  }
  ok(!root.querySelector(ACTIVE), text.slice(0, 80));
}
