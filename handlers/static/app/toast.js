/** @file Short messages at the edge of the page. They are said to screen readers by `announce`, not by themselves. */
import { $, announce, el, icon, picture, webAddress } from "./dom.js";
import { t } from "./texts.js";

const SHOWN_MS = 7_000;
const MAX_SHOWN = 3;

/**
 * @param {object} options
 * @param {string} options.text
 * @param {string} [options.lead] small line above
 * @param {string} [options.url]
 * @param {() => void} [options.onOpen]
 * @param {string} [options.kind] `good` or `bad`
 * @param {string} [options.picture]
 * @param {boolean} [options.round] the picture is of somebody
 */
export function toast({ text, lead = null, url = null, onOpen, kind = "", picture: source = null, round = false, spoken = text }) {
  const image = picture(source);
  const box = $("#toasts");
  const address = url ? webAddress(url) : null;
  const words = el("span", { class: "toast-text" }, lead && el("small", {}, lead), text);
  const body = address
    ? el("a", { href: address, class: "toast-body", ...outside(address), on: { click: () => onOpen?.() } }, image && el("span", { class: round ? "avatar" : "thumb" }, image), words)
    : el("div", { class: "toast-body" }, words);
  const close = () => {
    clearTimeout(timer);
    item.remove();
  };
  const item = el(
    "div",
    { class: `toast ${kind}` },
    body,
    el("button", { type: "button", class: "icon-button", "aria-label": t("state.close"), on: { click: close } }, icon("close")),
  );
  let timer = setTimeout(close, SHOWN_MS);
  item.addEventListener("pointerenter", () => clearTimeout(timer));
  item.addEventListener("focusin", () => clearTimeout(timer));
  item.addEventListener("pointerleave", () => (timer = setTimeout(close, SHOWN_MS)));
  const last = box.lastElementChild;
  if (kind !== "bad" && last?.classList.contains("bad")) last.before(item); // where only the last is shown, news hides no failure
  else box.append(item);
  while (box.children.length > MAX_SHOWN) box.firstElementChild.remove();
  if (spoken) announce(spoken);
  return close;
}

/** Takes all of them away; their words were announced. */
export function clearToasts() {
  $("#toasts").replaceChildren();
}

/** Attributes of a link that leaves this site: it opens beside it. */
export function outside(address) {
  return new URL(address, location.origin).origin === location.origin ? {} : { target: "_blank", rel: "noopener noreferrer" };
}
