/** @file The text of a message on a page, and as one line. */
import { renderText } from "../markdown.js";
import { t } from "../texts.js";

/** @returns {DocumentFragment} with one's own name standing out */
export function renderBody(text, mentions = [], me = null) {
  const fragment = renderText(text, mentions, { spoiler: t("message.spoiler") });
  const own = mentions.find((person) => person.id === me);
  for (const mention of own ? fragment.querySelectorAll(".mention") : []) mention.classList.toggle("me", mention.textContent === `@${own.name}`);
  return fragment;
}

/** One line of a message, for quotes and for screen readers. */
export function plainLine(text, mentions = [], longest = 120) {
  const named = text.replace(/\|\|.+?\|\|/gs, "…").replace(/<@([1-9][0-9]{0,18})>/g, (_, id) => `@${mentions.find((one) => String(one.id) === id)?.name ?? "…"}`);
  const line = [...named.replace(/\s+/g, " ").trim()];
  return line.length > longest ? line.slice(0, longest - 1).join("") + "…" : line.join("");
}
