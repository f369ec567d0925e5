// @ts-check

/** Where two trees begin to differ, in words. @param {Element} a streamed @param {Element} b whole @returns {string} */
export function difference(a, b) {
  for (let index = 0; index < Math.max(a.childNodes.length, b.childNodes.length); index += 1) {
    const [one, other] = [a.childNodes[index], b.childNodes[index]];
    if (one && other && one.isEqualNode(other)) continue;
    if (one instanceof Element && other instanceof Element && one.cloneNode().isEqualNode(other.cloneNode())) return difference(one, other);
    const shown = (/** @type {any} */ node) => (node ? (node.outerHTML ?? node.data).slice(0, 300) : "nothing");
    return `\n  streamed  ${shown(one)}\n  whole     ${shown(other)}`;
  }
  return "";
}
