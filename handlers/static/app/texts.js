/** @file The words, dates and numbers of the page's language. */

const boot = JSON.parse(document.getElementById("boot").textContent);

export const language = boot.lang;
export const page = boot.page;
/** Roles of a community from the lowest up, and the lowest that may do each action; on pages that need it. */
export const { roles = [], lowest = {} } = boot;

const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);
const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const hours = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const lasting = new Intl.RelativeTimeFormat(language, { numeric: "always" });
/** Units that times are told in, each up to so many; beyond them stands the date. */
const STEPS = [
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
  ["week", 5],
];
/** How often all times on the page are looked at, ms. */
const TICK_MS = 5_000;

export const has = (key) => key in boot.texts;

/**
 * The text of `key`. `{name}` is replaced by `values.name`; `{n|one|other}` chooses by `values.n`, in languages that make
 * the difference.
 */
export function t(key, values = {}) {
  const text = boot.texts[key] ?? key;
  return text
    .replace(/\{n\|([^|}]*)\|([^}]*)\}/g, (_, one, other) => (plural.select(Number(values.n)) === "one" ? one : other))
    .replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** A count with its words: `counted("creator.followers", 1200)`. */
export const counted = (key, count, { short = false } = {}) =>
  t(key, { n: count, count: (short ? compact : number).format(count) });

/** `1.2K`, `1.2만`. `text` may exceed 53 bits, so it may be a string. */
export const shortNumber = (value) => compact.format(typeof value === "string" ? BigInt(value) : value);

/** `now` for 60 s, then whole units: `3 minutes ago`, `어제`; after five weeks the date. */
export function ago(iso, now = Date.now()) {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return "";
  let amount = (then.getTime() - now) / 60_000;
  if (Math.abs(amount) < 1) return amount > 0 ? relative.format(0, "second") : t("time.now");
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return relative.format(Math.trunc(amount), unit);
    amount /= size;
  }
  return date(iso);
}

/** How long to wait: `in 12 seconds`, `7분 후`. Rounded up, so that who waits so long is not sent away again. */
export function waitFor(seconds) {
  if (seconds < 60) return lasting.format(Math.ceil(seconds), "second");
  if (seconds < 3600) return lasting.format(Math.ceil(seconds / 60), "minute");
  if (seconds < 2 * 86_400) return lasting.format(Math.ceil(seconds / 3600), "hour");
  return lasting.format(Math.ceil(seconds / 86_400), "day");
}

export const date = (iso) => new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(iso));

export const dateTime = (iso) =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

/** `14:03`, `오후 2:03`. */
export const clockTime = (iso) => hours.format(new Date(iso));

/** `Tuesday, 3 March`; with the year where it is another than this one. */
export function day(iso) {
  const then = new Date(iso);
  const year = then.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", ...year }).format(then);
}

/** A `<time>` that says how long ago and, when pointed at, exactly when. It is kept current by `keepTimes`. */
export function timeElement(iso) {
  const element = document.createElement("time");
  element.dateTime = iso;
  element.title = dateTime(iso);
  element.textContent = ago(iso);
  return element;
}

/** `timeElement` within the words of `key`, at the place of `{when}`: a list of nodes and texts. */
export function timeWithin(key, iso) {
  const [before, after] = t(key, { when: "\u0000" }).split("\u0000");
  return [before, timeElement(iso), after];
}

/** `8:42`, `1:02:03`. */
export function duration(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** Renews what all `<time>` elements say, together, and at once when the page is looked at again. */
export function keepTimes() {
  const tick = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[datetime]:not([data-fixed])")) {
      const text = ago(element.dateTime, now);
      if (element.textContent !== text) element.textContent = text;
    }
  };
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tick());
}
