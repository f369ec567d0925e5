// @ts-check
// Seconds that run down where a reader can see them.

export class Countdown {
  /** @type {any} */ #timer = null;
  /** @type {unknown} */ #what = undefined;
  #until = 0;

  /**
   * Tells `tick` the seconds left, now and each second. The same `what` again goes on counting.
   * @param {unknown} what @param {number | undefined} seconds @param {(left: number) => void} tick
   */
  run(what, seconds, tick) {
    if (what !== this.#what) {
      this.#what = what;
      this.#until = performance.now() + (seconds ?? 0) * 1000;
    }
    clearInterval(this.#timer);
    const show = () => {
      const left = Math.max(0, Math.ceil((this.#until - performance.now()) / 1000));
      if (left === 0) clearInterval(this.#timer);
      tick(left);
    };
    this.#timer = setInterval(show, 1000);
    show();
  }

  stop() {
    clearInterval(this.#timer);
    this.#what = undefined;
  }
}
