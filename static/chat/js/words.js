// @ts-check
// Every sentence that the scripts say, in one place: those of the templates stand in the templates.

/** @typedef {import("./protocol.js").Message} Message */

/** Why a request was refused, and what happened to it. @type {Record<string, string>} */
const REFUSALS = {
  rate: "That was a lot of messages in a short time. Yours is sent in a moment.",
  unavailable: "The server cannot store messages right now. Yours is sent in a moment.",
  busy: "A reply is still being written here. Your text is back in the box; wait for the reply, or stop it.",
  too_many: "Too many of your replies are being written in other conversations. Wait for one, or stop one.",
  budget: "Your allowance for today is used up. Your text is back in the box.",
  empty: "There is nothing to send yet.",
  too_long: "The message is too long. Shorten it, or send it in parts.",
  read_only: "This conversation is locked. Nothing can be added to it.",
  not_found: "This conversation is not there any more.",
};

/** Why a reply failed or was cut off. @type {Record<string, string>} */
const FAILURES = {
  upstream_unreachable: "The model’s server cannot be reached.",
  upstream_timeout: "The model took too long to answer.",
  upstream_rate: "The model’s server is busy with too many requests.",
  upstream_auth: "The model’s server refused the key. Tell your administrator.",
  upstream_cut: "The connection to the model broke off.",
  upstream_malformed: "The model’s server sent something that is not an answer.",
  upstream_empty: "The model gave an empty answer.",
  upstream_error: "The model’s server failed.",
  context_too_long: "The conversation is too long for this model.",
  lost_worker: "The server stopped while it was writing this reply.",
  restart: "The server restarted while it was writing this reply.",
  storage: "The reply could not be stored.",
  budget: "The allowance for this reply is used up.",
  flow_error: "Something went wrong while this reply was made.",
};

/** How a finished reply ended, where that is worth a word. @type {Record<string, string>} */
const FINISHES = {
  length: "The reply reached its greatest length.",
  content_filter: "The model’s server held back the rest of this reply.",
};

/** What the sections of the list are called, but for months. @type {Record<string, string>} */
const SECTIONS = { pinned: "Pinned", today: "Today", yesterday: "Yesterday", week: "Last 7 days" };

/** What the keyboard shortcuts do. @type {Record<string, string>} */
export const SHORTCUTS = {
  new: "New chat",
  palette: "Commands and conversations",
  sidebar: "Show or hide the list",
  compose: "Write a message",
  "edit-last": "Edit your last message, while the box is empty",
  stop: "Stop the reply",
  "copy-last": "Copy the last reply",
  "copy-last-code": "Copy the last block of code",
  "previous-message": "To the message above",
  "next-message": "To the message below",
  rename: "Rename a conversation, in the list",
  undo: "Undo deleting a conversation",
  help: "Keyboard shortcuts",
};

/** What a reply without text is at. @type {Record<string, string>} */
const PHASES = {
  waiting: "Thinking…",
  thinking: "Thinking…",
  retrying: "The model did not answer. Trying again…",
  saving: "Saving…",
};

/** @param {string} code @param {number} [seconds] until it may be asked again */
export function refusal(code, seconds) {
  const said = REFUSALS[code] ?? "The server did not take that. Load the page again if it stays so.";
  return code === "budget" && seconds ? `${said} There is room again at ${clock(seconds)}.` : said;
}

/** @param {number} seconds from now */
const clock = (seconds) => new Date(Date.now() + seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** @param {number} tokens */
export const left = (tokens) => `About ${tokens.toLocaleString()} tokens left today`;

/** @param {{ code: string, detail?: string } | undefined} error */
export const failure = (error) => (error && FAILURES[error.code]) || error?.detail || "Something went wrong.";

/** The line under a reply that says how it ended; empty where its text says enough. @param {Message} message */
export function ending(message) {
  if (message.role === "user") return "";
  if (message.status === "stopped") return "This reply was stopped.";
  if (message.status === "interrupted") return `${failure(message.error)} The text so far is kept.`;
  if (message.status === "error") return `${failure(message.error)} Your message is saved.`;
  return FINISHES[message.finish_reason ?? ""] ?? "";
}

/** @param {Message} message @param {number} seconds */
export function waiting(message, seconds) {
  const phase = message.phase?.phase ?? (message.reasoning ? "thinking" : "waiting");
  return (PHASES[phase] ?? PHASES.waiting) + (seconds >= 2 ? ` ${seconds} s` : "");
}

/** The quiet line beside the actions. @param {Message} message */
export function origin(message) {
  const tokens = message.usage?.completion_tokens;
  const counted = tokens ? `${message.usage?.estimated ? "about " : ""}${tokens.toLocaleString()} tokens` : "";
  return [message.model, counted].filter(Boolean).join(" · ");
}

/** @param {import("./protocol.js").Frame} queued @param {boolean} online @param {number} seconds until it is sent again */
export function queued({ waits }, online, seconds) {
  if (!online) return "Kept here, and sent once you are connected again.";
  return waits ? refusal(waits.code) + (seconds > 0 ? ` (${seconds} s)` : "") : "Sending…";
}

/** @param {import("./store.js").State["connection"]} connection @param {number} seconds until the next attempt */
export function connection({ status, code }, seconds) {
  if (status === "connecting") return "Connecting…";
  if (status !== "ended") {
    return `No connection. Trying again${seconds > 0 ? ` in ${seconds} s` : ""}…`;
  }
  return code === 4401 ? "You are signed out. Load the page to sign in again." : "This page is out of date. Load it again.";
}

/** @param {number} length @param {number} limit */
export const count = (length, limit) => `${length.toLocaleString()} of ${limit.toLocaleString()} characters`;

/** @param {string} title */
export const more = (title) => `More about “${title}”`;

/** @param {string} names */
export const answering = (names) => `Who answers: ${names}`;

/** @param {string} chosen what is not offered any more @param {string} answers */
export const notOffered = (chosen, answers) => `“${chosen}” is no longer offered here. ${answers} answers instead.`;

/** @param {string} key of a section of the list: its name, or a month as 2026-10 */
export function section(key) {
  if (key in SECTIONS) return SECTIONS[key];
  return new Date(`${key}-01T00:00`).toLocaleDateString("en", { month: "long", year: "numeric" });
}

/** @param {string} title */
export const deleted = (title) => `Deleted “${title}”`;

/** @param {string} title */
export const undoable = (title) => `“${title}” is deleted. To undo it, press Control and Z now.`;
/** The foot of a printed sheet. @param {string} title @param {Date} date */
export const printed = (title, date) => `${title} · ${date.toLocaleDateString(undefined, { dateStyle: "long" })}`;

/** A control's name with its keys, for a tooltip. @param {string} name @param {string[]} keys */
export const withKeys = (name, keys) => `${name} (${keys.join(" ")})`;

/** @param {string} query */
export const everywhere = (query) => (query ? `Search everything for “${query}”` : "Search everything");

/** @param {number} count */
export const fits = (count) => (count === 1 ? "1 fits" : `${count} fit`);

export const SAID = { user: "You said", assistant: "The assistant said" };
export const COPIED = "Copied";
export const NOTHING_TO_COPY = "There is nothing to copy yet.";
export const RETRY = "Retry";
export const REGENERATE = "Regenerate";
export const UNTITLED = "New chat";
export const BEGAN = "The reply is being written.";
export const FAILED_CHANGE = "That did not work. Try again in a moment.";
export const TOO_LATE = "It is too late to bring this back: the conversation is deleted for good.";
export const UNFOLD = { more: "Show all", less: "Show less" };
export const IMAGE = "Image";
export const FOOTNOTES = "Footnotes";
export const BACK = "Back to the text";

/** @param {number} number */
export const footnote = (number) => `Footnote ${number}`;

/** What a table is called. @param {string[]} columns */
export const table = (columns) => ["Table", columns.filter(Boolean).join(", ")].filter(Boolean).join(": ");
