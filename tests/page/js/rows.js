// @ts-check
// Rows and frames as a server makes them, for tests.

export const CONVERSATION = "c0000000-0000-4000-8000-000000000000";

/** @param {string} id @param {string | null} parent @param {object} fields @returns {any} */
export function row(id, parent, fields = {}) {
  const { text = "", from = 0, ...rest } = /** @type {any} */ (fields);
  return {
    id,
    seq: Number(id.slice(1)),
    parent,
    role: Number(id.slice(1)) % 2 ? "user" : "assistant",
    status: "done",
    text,
    from,
    length: from + Array.from(text).length,
    siblings: [id],
    ...rest,
  };
}

/** @param {any[]} messages @returns {any} */
export const state = (...messages) => ({
  type: "state",
  conversation: { id: CONVERSATION, title: "Harbour", assistant: "chat" },
  messages,
});

/** @param {any} message @returns {any} */
export const told = (message) => ({ type: "message", conversation: CONVERSATION, message });

/** @param {string} message @param {number} from @param {string} text @returns {any} */
export const delta = (message, from, text) => ({
  type: "delta",
  message,
  from,
  to: from + Array.from(text).length,
  text,
});

/** @param {string} message @param {number} length @param {object} fields @returns {any} */
export const end = (message, length, fields = {}) => ({ type: "end", message, status: "done", length, ...fields });
