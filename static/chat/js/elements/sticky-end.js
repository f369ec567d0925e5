// @ts-check
// Keeps a scroller at its end for a reader who is there, and everybody else where they are, whatever changes above them,
// and however high the view is: nobody but the reader leaves the end, or comes back to it.

/** Who is so near to the end is there (px). */
const SLACK = 32;

export class StickyEnd {
  #scroller;
  #content;
  #changed;
  #top;
  #height = 0; // of what is scrolled
  #view = 0; // the height of what is seen of it
  /** @type {{ element: Element, at: number } | null} what a reader who is not at the end looks at */ #place = null;
  pinned = true;

  /**
   * @param {HTMLElement} scroller @param {Element} content its grandchildren stand below each other, in stretches
   * @param {(away: boolean) => void} changed whether the end is out of sight
   */
  constructor(scroller, content, changed) {
    this.#scroller = scroller;
    this.#content = content;
    this.#changed = changed;
    this.#top = scroller.scrollTop;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // The view shrinks as well: where a long message is being written, or a phone is turned.
    const observer = new ResizeObserver(() => this.follow());
    for (const element of [content, scroller]) observer.observe(element);
  }

  follow() {
    const scroller = this.#scroller;
    // While a message is edited, the reader is at the editor, wherever the end is.
    const focused = scroller.ownerDocument.activeElement;
    const edits = focused?.localName === "textarea" && scroller.contains(focused);
    if (this.pinned && !edits) scroller.scrollTop = scroller.scrollHeight;
    else this.#keep();
    if (this.pinned) this.#top = scroller.scrollTop;
    this.#remember();
  }

  jump() {
    this.pinned = true;
    this.follow();
  }

  /** Goes to one of what is listed, and lets go of an end that is not in sight from there. @param {Element} element */
  show(element) {
    // Less than the gap to the one above, which would else be what keeps its place.
    this.#scroller.scrollTop = this.#position(element) - 8;
    this.#top = this.#scroller.scrollTop;
    this.pinned = this.#gap <= SLACK;
    this.#remember();
  }

  #scrolled() {
    const scroller = this.#scroller;
    if (this.pinned) {
      // What shrinks and a view that grows push the scroller up too; only more than that is a reader's own way, be it slow.
      const pushed = Math.max(0, this.#height - scroller.scrollHeight) + Math.max(0, scroller.clientHeight - this.#view);
      if (this.#gap <= 1 || scroller.scrollTop >= this.#top - pushed - 1) return;
      this.pinned = false;
    } else {
      // Whoever scrolls while something above changes its height wants only the former to be seen.
      this.#keep();
      this.pinned = scroller.scrollTop > this.#top && this.#gap <= SLACK;
    }
    this.#top = scroller.scrollTop;
    this.#remember();
  }

  /** From what is seen to the end. */
  get #gap() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - clientHeight - scrollTop;
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
    this.#view = this.#scroller.clientHeight;
    const element = this.pinned ? null : this.#shown();
    this.#place = element && { element, at: this.#position(element) };
    this.#changed(!this.pinned && this.#gap > SLACK);
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
