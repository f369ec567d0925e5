// @ts-check
// What the browser keeps for this site; where it refuses to keep anything, the page does, as long as it lives.

/** @param {"localStorage" | "sessionStorage"} name @returns {Storage} */
export function storage(name) {
  try {
    window[name].getItem("chat:");
    return window[name];
  } catch {
    return memory();
  }
}

/** @returns {Storage} */
export function memory() {
  /** @type {Map<string, string>} */ const kept = new Map();
  return {
    get length() {
      return kept.size;
    },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  };
}
