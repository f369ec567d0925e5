// @ts-check
// Defines the element of the search page.

import { SearchPage } from "./elements/search-page.js";

customElements.define("search-page", SearchPage);
