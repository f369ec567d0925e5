// @ts-check
// The language of the page, and how it says what stands in `words.js` in English: by the catalog that the server puts
// into a page of another language, numbers and dates by the browser's own knowledge of it.

/** @type {Record<string, string | string[]>} */
const CATALOG = JSON.parse(document.getElementById("page-words")?.textContent ?? "{}");

/** For `Intl`: in Latin digits, which the server writes as well. */
export const LOCALE = `${document.documentElement.lang || "en"}-u-nu-latn`;

export const NUMBERS = new Intl.NumberFormat(LOCALE);

/** Forms stand in a catalog in this order. */
const PLURALS = new Intl.PluralRules(LOCALE);
const FORMS = ["zero", "one", "two", "few", "many", "other"].filter((form) =>
  PLURALS.resolvedOptions().pluralCategories.includes(/** @type {Intl.LDMLPluralRule} */ (form)),
);

/** @param {string} text with places as %(name)s @param {Record<string, string | number>} values */
const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));

/** @param {string} text @param {Record<string, string | number>} values */
export const gettext = (text, values = {}) => filled(/** @type {string} */ (CATALOG[text] ?? text), values);

/** @param {string} one @param {string} more @param {number} count @param {Record<string, string | number>} values */
export function ngettext(one, more, count, values = {}) {
  const forms = CATALOG[one] ?? [one, more];
  return filled(forms[FORMS.indexOf(PLURALS.select(count))] ?? forms.at(-1), values);
}
