// @ts-check
// The first time that a browser draws a heading or a table costs ten times what it costs later. While the model still
// thinks, it is done once for nobody to see.

import { StreamMarkdown } from "./stream.js";

const SAMPLE = `# One

Two **three** and *four*, \`five\` [six](https://seven.example) ~~eight~~ &amp; <br> nine@ten.example

1. Eleven
   - twelve
2. Thirteen

| a | b |
|---|--:|
| c | d |

> e

\`\`\`js
f
\`\`\`

- [ ] g

`;
const PIECE = 16;
const SPARE = 5; // ms that a frame must have left for one more piece

/** @param {import("./stream.js").Options} options those of the page */
export function warm({ highlight, typeset, ...options }) {
  const markdown = new StreamMarkdown(options.code.ownerDocument.createElement("div"), options);
  let at = 0;
  const goOn = (/** @type {IdleDeadline} */ deadline) => {
    for (; at < SAMPLE.length && deadline.timeRemaining() > SPARE; at += PIECE) {
      markdown.push(SAMPLE.slice(at, at + PIECE));
      markdown.flush();
    }
    if (at < SAMPLE.length) requestIdleCallback(goOn);
  };
  globalThis.requestIdleCallback?.(goOn); // Safari has none.
}
