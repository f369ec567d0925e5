// @ts-check
// Every sentence that the scripts say, in one place, but for those of `words-late.js`: those of the templates stand in the
// templates. `manage.py makemessages` finds them here for the translators.

import { LOCALE, NUMBERS, gettext, ngettext } from "./catalog.js";

/** @typedef {import("./protocol.js").Message} Message */

/** Why a request was refused, and what happened to it. @type {Record<string, string>} */
const REFUSALS = {
  rate: gettext("That was a lot of messages in a short time. Yours is sent in a moment."),
  unavailable: gettext("The server cannot store messages right now. Yours is sent in a moment."),
  busy: gettext("A reply is still being written here. Your text is back in the box; wait for the reply, or stop it."),
  too_many: gettext("Too many of your replies are being written in other conversations. Wait for one, or stop one."),
  budget: gettext("Your allowance for today is used up. Your text is back in the box."),
  empty: gettext("There is nothing to send yet."),
  too_long: gettext("The message is too long. Shorten it, or send it in parts."),
  full: gettext("This conversation is full. Begin a new one."),
  not_found: gettext("This conversation is not there any more."),
};

/** Why a reply failed or was cut off. @type {Record<string, string>} */
const FAILURES = {
  upstream_unreachable: gettext("The model’s server cannot be reached."),
  upstream_timeout: gettext("The model took too long to answer."),
  upstream_rate: gettext("The model’s server is busy with too many requests."),
  upstream_auth: gettext("The model’s server refused the key. Tell your administrator."),
  upstream_cut: gettext("The connection to the model broke off."),
  upstream_malformed: gettext("The model’s server sent something that is not an answer."),
  upstream_empty: gettext("The model gave an empty answer."),
  upstream_error: gettext("The model’s server failed."),
  context_too_long: gettext("The conversation is too long for this model."),
  lost_worker: gettext("The server stopped while it was writing this reply."),
  restart: gettext("The server restarted while it was writing this reply."),
  storage: gettext("The reply could not be stored."),
  flow_error: gettext("Something went wrong while this reply was made."),
};

/** How a finished reply ended, where that is worth a word. @type {Record<string, string>} */
const FINISHES = {
  length: gettext("The reply reached its greatest length."),
  content_filter: gettext("The model’s server held back the rest of this reply."),
};

/** What the sections of the list are called, but for months. @type {Record<string, string>} */
const SECTIONS = {
  pinned: gettext("Pinned"),
  today: gettext("Today"),
  yesterday: gettext("Yesterday"),
  week: gettext("Last 7 days"),
};

/** What is written on the keys. @type {Record<string, string>} */
const KEYS = { Ctrl: gettext("Ctrl"), Shift: gettext("Shift"), Alt: gettext("Alt"), Esc: gettext("Esc") };

/** What the flows that come with the chat call their steps. @type {Record<string, string>} */
const STEPS = { "Planning the answer": gettext("Planning the answer") };

/** What a reply without text is at. @type {Record<string, string>} */
const PHASES = {
  waiting: gettext("Thinking…"),
  thinking: gettext("Thinking…"),
  retrying: gettext("The model did not answer. Trying again…"),
  saving: gettext("Saving…"),
};

const TENTHS = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const MONTHS = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const DAYS = new Intl.DateTimeFormat(LOCALE, { dateStyle: "long" });
const LISTS = new Intl.ListFormat(LOCALE, { type: "unit" });

/** @param {string | number} n */
const time = (n) => gettext("%(n)s s", { n });

/** @param {string} code @param {number} [seconds] until it may be asked again */
export function refusal(code, seconds) {
  const said = REFUSALS[code] ?? gettext("The server did not take that. Load the page again if it stays so.");
  if (code !== "budget" || !seconds) return said;
  const time = CLOCK.format(Date.now() + seconds * 1000);
  return [said, gettext("There is room again at %(time)s.", { time })].join(" ");
}

/** @param {number} tokens */
export const left = (tokens) =>
  ngettext("About %(n)s token left today", "About %(n)s tokens left today", tokens, { n: NUMBERS.format(tokens) });

/** @param {{ code: string, detail?: string } | undefined} error */
export const failure = (error) => (error && FAILURES[error.code]) || error?.detail || gettext("Something went wrong.");

/** The line under a reply that says how it ended; empty where its text says enough. @param {Message} message */
export function ending(message) {
  if (message.role === "user") return "";
  if (message.status === "stopped") return gettext("This reply was stopped.");
  if (message.status === "interrupted") return [failure(message.error), gettext("The text so far is kept.")].join(" ");
  if (message.status === "error") return [failure(message.error), gettext("Your message is saved.")].join(" ");
  return FINISHES[message.finish_reason ?? ""] ?? "";
}

/** @param {Message} message @param {number} seconds */
export function waiting(message, seconds) {
  const phase = message.phase?.phase ?? (message.reasoning ? "thinking" : "waiting");
  return (PHASES[phase] ?? PHASES.waiting) + (seconds >= 2 ? ` ${time(seconds)}` : "");
}

/** The quiet line beside the actions. @param {Message} message */
export function origin(message) {
  const { completion_tokens: tokens, estimated } = message.usage ?? {};
  if (!tokens) return message.model;
  const n = NUMBERS.format(tokens);
  const counted = estimated
    ? ngettext("about %(n)s token", "about %(n)s tokens", tokens, { n })
    : ngettext("%(n)s token", "%(n)s tokens", tokens, { n });
  return [message.model, counted].filter(Boolean).join(" · ");
}

/** @param {import("./protocol.js").Frame} queued @param {boolean} online @param {number} seconds until it is sent again */
export function queued({ waits }, online, seconds) {
  if (!online) return gettext("Kept here, and sent once you are connected again.");
  return waits ? refusal(waits.code) + (seconds > 0 ? ` (${time(seconds)})` : "") : gettext("Sending…");
}

/** @param {import("./store.js").State["connection"]} connection @param {number} seconds until the next attempt */
export function connection({ status, code }, seconds) {
  if (status === "connecting") return gettext("Connecting…");
  if (status !== "ended") {
    return seconds > 0
      ? gettext("No connection. Trying again in %(time)s…", { time: time(seconds) })
      : gettext("No connection. Trying again…");
  }
  return code === 4401
    ? gettext("You are signed out. Load the page to sign in again.")
    : gettext("This page is out of date. Load it again.");
}

/** @param {number} length @param {number} limit */
export const count = (length, limit) =>
  gettext("%(length)s of %(limit)s characters", { length: NUMBERS.format(length), limit: NUMBERS.format(limit) });

/** @param {string} title */
export const more = (title) => gettext("More about “%(title)s”", { title });

/** @param {string} names */
export const answering = (names) => gettext("Who answers: %(names)s", { names });

/** @param {string} chosen what is not offered any more @param {string} answers */
export const notOffered = (chosen, answers) =>
  gettext("“%(chosen)s” is no longer offered here. %(answers)s answers instead.", { chosen, answers });

/** @param {string} key of a section of the list: its name, or a month as 2026-10 */
export function section(key) {
  if (key in SECTIONS) return SECTIONS[key];
  return MONTHS.format(new Date(`${key}-01T00:00`));
}

/** The foot of a printed sheet. @param {string} title @param {Date} date */
export const printed = (title, date) => `${title} · ${DAYS.format(date)}`;

/** A control's name with its keys, for a tooltip. @param {string} name @param {string[]} keys */
export const withKeys = (name, keys) => `${name} (${keys.join(" ")})`;

export const SAID = { user: gettext("You said"), assistant: gettext("The assistant said") };
export const COPIED = gettext("Copied");
export const NOTHING_TO_COPY = gettext("There is nothing to copy yet.");
export const RETRY = gettext("Retry");
export const REGENERATE = gettext("Regenerate");
export const UNTITLED = gettext("New chat");
export const BEGAN = gettext("The reply is being written.");
export const FAILED_CHANGE = gettext("That did not work. Try again in a moment.");
export const TOO_LATE = gettext("It is too late to bring this back: the conversation is deleted for good.");
export const UNFOLD = { more: gettext("Show all"), less: gettext("Show less") };
export const IMAGE = gettext("Image");
export const FOOTNOTES = gettext("Footnotes");
export const BACK = gettext("Back to the text");

/** @param {number} number */
export const footnote = (number) => gettext("Footnote %(number)s", { number });

/** What a table is called. @param {string[]} columns */
export function table(columns) {
  const named = LISTS.format(columns.filter(Boolean));
  return named ? gettext("Table: %(columns)s", { columns: named }) : gettext("Table");
}

/** How long a step took. @param {number} ms */
export const took = (ms) => time(TENTHS.format(ms / 1000));

/** @param {{ label: string, name: string }} step */
export const step = ({ label, name }) => STEPS[label] ?? (label || name);

/** @param {string[]} names of keys */
export const keys = (names) => names.map((name) => KEYS[name] ?? name);
