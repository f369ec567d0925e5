// Runs in a page before its own scripts, and notes what its reader would feel.

globalThis.watch = (() => {
  const LONG = 50;
  const none = () => ({ frames: [], tasks: [], keys: [], flushes: [], written: 0 });
  let noted = none();
  let last = 0;

  const frame = (now) => {
    if (last) noted.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);

  new PerformanceObserver((list) => noted.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });

  // From the key to the frame that shows it.
  const channel = new MessageChannel();
  const waiting = [];
  channel.port1.onmessage = () => noted.keys.push(performance.now() - waiting.shift());
  addEventListener(
    "keydown",
    ({ timeStamp }) => {
      waiting.push(timeStamp);
      requestAnimationFrame(() => channel.port2.postMessage(null));
    },
    true,
  );

  const size = (node) => 1 + (node.nodeType === 1 ? node.querySelectorAll("*").length : 0);
  const count = (records) => {
    for (const { addedNodes } of records) for (const node of addedNodes) noted.written += size(node);
  };
  const observer = new MutationObserver(count);

  const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? null;

  return {
    /** Forgets what was, and counts what is written into `root` from now on. */
    begin(root) {
      noted = none();
      last = 0;
      observer.disconnect();
      if (root) observer.observe(root, { childList: true, subtree: true });
    },
    /** `draw`, timed as what draws a piece. */
    timed(draw) {
      return function (...given) {
        const began = performance.now();
        try {
          return draw.apply(this, given);
        } finally {
          noted.flushes.push(performance.now() - began);
        }
      };
    },
    report() {
      count(observer.takeRecords());
      const { frames, tasks, keys, flushes, written } = noted;
      return {
        written,
        "flushes": flushes.length,
        "flush p50": quantile(flushes, 0.5),
        "flush p99": quantile(flushes, 0.99),
        "key p50": quantile(keys, 0.5),
        "key p99": quantile(keys, 0.99),
        "frames": frames.length,
        "long frames": frames.filter((took) => took > LONG).length,
        "worst frame": Math.max(0, ...frames),
        "long tasks": tasks.length,
      };
    },
    /** When the newest message was drawn (ms since the page was asked for). */
    drawn: new Promise((resolve) => {
      const look = () => {
        const newest = document.querySelector("[data-part=messages] > :last-child > :last-child [data-part=text]");
        const there = newest?.matches("[data-rich], [data-role=user] *") && newest.textContent;
        if (there) resolve(performance.now());
        else requestAnimationFrame(look);
      };
      look();
    }),
  };
})();
