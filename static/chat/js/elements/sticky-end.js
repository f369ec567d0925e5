// @ts-check
// Keeps a scroller at its end for a reader who is there, and everybody else where they are, whatever changes above them.

export class StickyEnd {
  #scroller;
  #content;
  #slack;
  #top;
  #height;
  /** @type {{ element: Element, at: number } | null} what a reader who is not at the end looks at */ #place = null;
  pinned = true;

  /** @param {HTMLElement} scroller @param {Element} content its grandchildren stand below each other, in stretches @param {(pinned: boolean) => void} changed */
  constructor(scroller, content, changed, slack = 32) {
    this.#scroller = scroller;
    this.#content = content;
    this.#slack = slack;
    this.#top = scroller.scrollTop;
    this.#height = scroller.scrollHeight;
    scroller.addEventListener("scroll", () => this.#scrolled(changed), { passive: true });
    // The view shrinks as well: where a long message is being written, or a phone is turned.
    const observer = new ResizeObserver(() => this.follow());
    for (const element of [content, scroller]) observer.observe(element);
  }

  follow() {
    const scroller = this.#scroller;
    // While a message is edited, the reader is at the editor, wherever the end is.
    const focused = scroller.ownerDocument.activeElement;
    if (this.pinned && !(focused?.localName === "textarea" && scroller.contains(focused))) {
      scroller.scrollTop = scroller.scrollHeight;
      this.#top = scroller.scrollTop;
    } else {
      this.#keep();
      this.#top = scroller.scrollTop;
    }
    this.#remember();
  }

  jump() {
    this.pinned = true;
    this.follow();
  }

  /** Goes to one of what is listed, and lets go of the end. @param {Element} element */
  show(element) {
    this.pinned = false;
    // Less than the gap to the one above, which would else be what keeps its place.
    this.#scroller.scrollTop = this.#position(element) - 8;
    this.#top = this.#scroller.scrollTop;
    this.#remember();
  }

  /** @param {(pinned: boolean) => void} changed */
  #scrolled(changed) {
    // Whoever scrolls while something above changes its height wants only the former to be seen.
    if (!this.pinned) this.#keep();
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const gap = scrollHeight - clientHeight - scrollTop;
    // Content that shrinks moves the scroller too; only what is more than that is a reader's own way up.
    const shrunk = Math.max(0, this.#height - scrollHeight);
    const up = scrollTop < this.#top - shrunk - 1;
    if (up) this.pinned = gap <= 1;
    else if (gap <= this.#slack) this.pinned = true;
    this.#top = scrollTop;
    this.#remember();
    changed(this.pinned);
  }

  /** Scrolls as far as the reader's place has moved in the content since it was remembered. */
  #keep() {
    if (!this.#place?.element.isConnected) return;
    const moved = this.#position(this.#place.element) - this.#place.at;
    if (Math.abs(moved) < 1) return;
    this.#scroller.scrollTop += moved;
    this.#top += moved;
  }

  #remember() {
    this.#height = this.#scroller.scrollHeight;
    const element = this.pinned ? null : this.#shown();
    this.#place = element && { element, at: this.#position(element) };
  }

  /** The first of what is listed that is not above the view. */
  #shown() {
    const edge = this.#scroller.getBoundingClientRect().top;
    const stretch = first(this.#content.children, edge);
    return stretch && first(stretch.children, edge);
  }

  /** Where it is in what is scrolled. @param {Element} element */
  #position(element) {
    return element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top + this.#scroller.scrollTop;
  }
}

/** The first of these, which stand below each other, that ends below `edge`; else the last. @param {HTMLCollection} elements @param {number} edge */
function first(elements, edge) {
  let [low, high] = [0, elements.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (elements[middle].getBoundingClientRect().bottom > edge) high = middle;
    else low = middle + 1;
  }
  return elements[low] ?? null;
}
