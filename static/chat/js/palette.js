// @ts-check
// Defines the element of the palette, which is fetched when it is first opened.

import { CommandPalette } from "./elements/command-palette.js";

customElements.define("command-palette", CommandPalette);
