// @ts-check
// The worker of the highlighter: { id, language, text } → { id, runs }, where `runs` are [kind, start, end].

import hljs from "../../../vendor/highlight/highlight.min.js";

/** What highlight.js calls it, as one of the kinds that the style sheet colours. "": plain. @type {Record<string, string>} */
const KINDS = {
  addition: "add",
  attr: "attr",
  attribute: "attr",
  built_in: "type",
  bullet: "key",
  char: "str",
  code: "str",
  comment: "com",
  deletion: "del",
  doctag: "key",
  formula: "str",
  function: "fn",
  keyword: "key",
  link: "str",
  literal: "num",
  meta: "attr",
  name: "key",
  number: "num",
  property: "attr",
  quote: "com",
  regexp: "str",
  section: "fn",
  "selector-attr": "attr",
  "selector-class": "type",
  "selector-id": "type",
  "selector-pseudo": "attr",
  "selector-tag": "key",
  string: "str",
  subst: "",
  symbol: "num",
  tag: "",
  "template-tag": "key",
  "template-variable": "attr",
  title: "fn",
  "title.class": "type",
  type: "type",
  variable: "attr",
  "variable.constant": "num",
  "variable.language": "key",
};

/** @param {string | undefined} scope @param {string} outer */
function kindOf(scope, outer) {
  if (!scope) return outer;
  const names = scope.split(".").map((name) => name.replace(/_$/, ""));
  return KINDS[names.slice(0, 2).join(".")] ?? KINDS[names[0]] ?? outer;
}

/** @param {string} text @param {string} language @returns {[string, number, number][]} */
function runsOf(text, language) {
  /** @type {[string, number, number][]} */
  const runs = [];
  const kinds = [""];
  let at = 0;
  /** @type {any} */ (hljs.highlight(text, { language, ignoreIllegals: true }))._emitter.walk({
    addText(/** @type {string} */ piece) {
      const kind = kinds[kinds.length - 1];
      const last = runs[runs.length - 1];
      if (kind && last && last[0] === kind && last[2] === at) last[2] += piece.length;
      else if (kind) runs.push([kind, at, at + piece.length]);
      at += piece.length;
    },
    openNode: (/** @type {{ scope?: string }} */ { scope }) => kinds.push(kindOf(scope, kinds[kinds.length - 1])),
    closeNode: () => kinds.pop(),
  });
  return runs;
}

onmessage = ({ data: { id, language, text } }) => {
  let runs = /** @type {[string, number, number][]} */ ([]);
  try {
    runs = runsOf(text, language);
  } catch {
    // It stays without colours.
  }
  postMessage({ id, runs });
};
