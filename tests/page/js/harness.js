// @ts-check
// Enough to test with: named tests, two assertions, and a report that the browser's driver reads.

/** @type {{ name: string, body: () => void | Promise<void> }[]} */
const tests = [];

/** @param {string} name @param {() => void | Promise<void>} body */
export function test(name, body) {
  tests.push({ name, body });
}

/** @param {unknown} actual @param {unknown} expected @param {string} why */
export function equal(actual, expected, why = "") {
  const [a, b] = [JSON.stringify(ordered(actual), null, 1), JSON.stringify(ordered(expected), null, 1)];
  if (a !== b) throw new Error(`${why}\n  is        ${a}\n  should be ${b}`);
}

/** @param {unknown} value @param {string} why */
export function ok(value, why = "should be true") {
  if (!value) throw new Error(why);
}

/** Runs what was named, one after the other. @returns {Promise<{ ran: number, failed: string[] }>} */
export async function run() {
  const failed = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return { ran: tests.length, failed };
}

/** The same value with the keys of its objects in order. @param {unknown} value @returns {unknown} */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).sort().map(([key, inner]) => [key, ordered(inner)]));
}
