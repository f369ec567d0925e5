// @ts-check
// Keeps a scroller at its end for a reader who is there, and leaves everybody else alone.

export class StickyEnd {
  #scroller;
  #slack;
  #top;
  #height;
  pinned = true;

  /** @param {HTMLElement} scroller @param {Element} content @param {(pinned: boolean) => void} changed */
  constructor(scroller, content, changed, slack = 32) {
    this.#scroller = scroller;
    this.#slack = slack;
    this.#top = scroller.scrollTop;
    this.#height = scroller.scrollHeight;
    scroller.addEventListener("scroll", () => this.#scrolled(changed), { passive: true });
    new ResizeObserver(() => this.follow()).observe(content);
  }

  follow() {
    const scroller = this.#scroller;
    // While a message is edited, the reader is at the editor, wherever the end is.
    if (this.pinned && !scroller.querySelector("textarea:focus")) {
      scroller.scrollTop = scroller.scrollHeight;
      this.#top = scroller.scrollTop;
    }
    this.#height = scroller.scrollHeight;
  }

  jump() {
    this.pinned = true;
    this.follow();
  }

  /** @param {(pinned: boolean) => void} changed */
  #scrolled(changed) {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const gap = scrollHeight - clientHeight - scrollTop;
    // Content that shrinks moves the scroller too; only a reader's own way up lets go of the end.
    const up = scrollTop < this.#top - 1 && scrollHeight >= this.#height;
    if (up) this.pinned = gap <= 1;
    else if (gap <= this.#slack) this.pinned = true;
    this.#top = scrollTop;
    this.#height = scrollHeight;
    changed(this.pinned);
  }
}
