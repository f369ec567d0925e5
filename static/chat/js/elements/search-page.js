// @ts-check
// <search-page>: finds while one types. The page itself is asked for, and its results are put in the place of these, so
// that what is found looks the same with and without a script.

import { asked, part, write } from "./parts.js";

// After the last key, and before an index that is still being made is asked again (ms).
const PAUSE = { typing: 150, behind: 400 };
const PATIENCE = 15000;

class SearchPage extends HTMLElement {
  /** @type {XMLHttpRequest | null} */ #request = null;
  /** @type {any} */ #timer = null;

  connectedCallback() {
    const form = part(this, "form");
    form.addEventListener("input", () => this.#soon(PAUSE.typing));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#look();
    });
    this.addEventListener("click", (event) => {
      if (asked(event)?.name === "again") this.#look();
    });
    // A browser that comes back may have kept another text in the box.
    addEventListener("pageshow", () => this.#input.value !== this.#shown && this.#look());
    this.#goOn();
  }

  /** @returns {HTMLInputElement} */
  get #input() {
    return part(this, "input");
  }

  /** What the results are of. */
  get #shown() {
    return new URLSearchParams(location.search).get("q") ?? "";
  }

  /** The page with what stands in the box. */
  #address() {
    const address = new URL(part(this, "form").action);
    address.searchParams.set("q", this.#input.value);
    return address.href;
  }

  /** @param {number} pause */
  #soon(pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), pause);
  }

  #look() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    const address = this.#address();
    // The browser makes a document of the answer itself: no string becomes markup here.
    const request = new XMLHttpRequest();
    this.#request = request;
    request.open("GET", address);
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.onload = () => this.#answered(address, request);
    request.onerror = request.ontimeout = () => this.#draw(null);
    part(this, "found").ariaBusy = "true";
    request.send();
  }

  /** @param {string} address @param {XMLHttpRequest} request */
  #answered(address, request) {
    const page = request.status === 200 ? request.response : null;
    // Another page than this one: the person must sign in again.
    if (page && !part(page, "found")) return location.assign(address);
    if (page) {
      document.title = page.title;
      history.replaceState(null, "", address);
    }
    this.#draw(page);
  }

  /** @param {Document | null} page with results, or null where there was no answer */
  #draw(page) {
    part(this, "failed").hidden = page !== null;
    part(this, "found").ariaBusy = "false";
    if (!page) return;
    part(this, "found").replaceWith(document.adoptNode(part(page, "found")));
    write(part(this, "status"), part(this, "said").textContent.trim());
    this.#goOn();
  }

  #goOn() {
    if ("behind" in part(this, "found").dataset) this.#soon(PAUSE.behind);
  }
}

customElements.define("search-page", SearchPage);
