// @ts-check
// Where a link may lead. What a model wrote is not to be trusted: what is not listed here stays text.

const ALLOWED = /^(?:https?:\/\/|mailto:|tel:|#|\/(?![/\\\s]))/i;
const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
const LOOKS_LIKE_A_HOST = /^(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,})(?=[/:?#]|$)/i;

/**
 * Where `address` leads, or null if that is nowhere a reply may lead.
 * @param {string} address @returns {{ href: string, host: string } | null} `host` is empty for this site's own
 */
export function target(address) {
  if (!ALLOWED.test(address)) return null;
  if (address[0] === "#" || address[0] === "/") return { href: address, host: "" };
  if (!URL.canParse(address)) return null;
  const { protocol, href, host } = new URL(address);
  return SCHEMES.has(protocol) ? { href, host: host === location.host ? "" : host } : null;
}

/** Makes `anchor` lead there. @param {HTMLAnchorElement} anchor @param {{ href: string, host: string }} to */
export function lead(anchor, { href, host }) {
  anchor.href = href;
  anchor.rel = "noopener noreferrer nofollow ugc";
  if (host) anchor.target = "_blank";
}

/** Whether a link's text names another host than the one that it leads to. @param {string} text @param {string} host */
export function misleads(text, host) {
  const named = LOOKS_LIKE_A_HOST.exec(text.trim());
  return named !== null && named[1].toLowerCase().replace(/^www\./, "") !== host.replace(/:\d+$/, "").replace(/^www\./, "");
}
