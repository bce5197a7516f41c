/** @file The text of a message: mentions by name, addresses of the web as links, everything else as it was written. */
import { el, webAddress } from "../dom.js";

const PARTS = /<@([1-9][0-9]{0,18})>|\bhttps?:\/\/[^\s<>"']+/g;
/** Signs that end a sentence and no address. */
const AFTER = /[.,;:!?)\]}…。，！？]+$/;

/** @returns {DocumentFragment} */
export function renderBody(text, mentions = [], me = null) {
  const fragment = document.createDocumentFragment();
  let from = 0;
  for (const match of text.matchAll(PARTS)) {
    const [whole, id] = match;
    fragment.append(text.slice(from, match.index));
    from = match.index + whole.length;
    if (id) {
      const person = mentions.find((one) => String(one.id) === id);
      fragment.append(el("span", { class: `mention ${person && person.id === me ? "me" : ""}` }, person ? `@${person.name}` : "@…"));
      continue;
    }
    const tail = AFTER.exec(whole)?.[0] ?? "";
    const address = webAddress(whole.slice(0, whole.length - tail.length));
    if (address) fragment.append(el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, whole.slice(0, whole.length - tail.length)), tail);
    else fragment.append(whole);
  }
  fragment.append(text.slice(from));
  return fragment;
}

/** One line of a message, for quotes and for screen readers. */
export function plainLine(text, mentions = [], longest = 120) {
  const named = text.replace(/<@([1-9][0-9]{0,18})>/g, (_, id) => `@${mentions.find((one) => String(one.id) === id)?.name ?? "…"}`);
  const line = [...named.replace(/\s+/g, " ").trim()];
  return line.length > longest ? line.slice(0, longest - 1).join("") + "…" : line.join("");
}
