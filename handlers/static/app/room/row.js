/** @file One message as a row. */
import { avatar, el, icon } from "../dom.js";
import { linkPreview } from "../previews.js";
import { describe } from "../problems.js";
import { clockTime, dateTime, day, t } from "../texts.js";
import { plainLine, renderBody } from "./body.js";

/** Messages of one author within this stand together, ms. */
const TOGETHER_MS = 5 * 60_000;

/**
 * @param {import("../../mypick/timeline.js").Message} message
 * @param {import("../../mypick/timeline.js").Message | null} before
 * @param {object} room what the page knows: `me`, `newFrom`, `quoteOf(message)`, `badgeOf(userId)`, `editing`, `marked`
 */
export function messageRow(message, before, room) {
  const newDay = !before || new Date(before.at).toDateString() !== new Date(message.at).toDateString();
  const isNew = room.newFrom === message.id;
  const together = !newDay && !isNew && !message.reply_to && follows(before, message);
  const mine = message.author?.id === room.me;
  return el(
    "li",
    { class: ["message", together ? "together" : "", mine ? "mine" : "", named(message, room.me) ? "for-me" : "", room.marked === message.id ? "marked" : ""].filter(Boolean).join(" "), data: { id: message.id } },
    newDay && el("div", { class: "day" }, el("span", {}, day(message.at))),
    isNew && el("div", { class: "new-line" }, el("span", {}, t("room.new"))),
    message.reply_to && !message.deleted && quote(message, room),
    el(
      "div",
      { class: "message-line" },
      together ? el("span", { class: "message-side", "aria-hidden": "true" }, clockTime(message.at)) : avatar(authorName(message), message.author?.avatar_url, "small"),
      el(
        "div",
        { class: "grow" },
        el("div", { class: together ? "visually-hidden" : "message-head" }, el("b", {}, authorName(message)), badge(room.badgeOf(message.author?.id)), el("time", { datetime: message.at, title: dateTime(message.at), "data-fixed": true }, clockTime(message.at))),
        room.editing === message.id ? el("div", { class: "edit-place" }) : text(message, room.me),
        linkPreview(message.preview),
        reactions(message, room),
      ),
    ),
  );
}

/** What was written and the room does not show yet. */
export function unsentRow(entry, me, { retry, discard, takeBack }) {
  const failed = entry.state === "failed";
  const state = failed ? t("unsent.failed", { why: describe(entry.error ?? { code: "TIMEOUT" }, "room") }) : t(`unsent.${entry.state === "sent" ? "sending" : entry.state}`);
  const button = (word, run) => el("button", { type: "button", class: "link-button", on: { click: run } }, t(word));
  return el(
    "li",
    { class: `message unsent-${entry.state}`, data: { cid: entry.cid } },
    el(
      "div",
      { class: "message-line" },
      avatar(me.display_name, me.avatar_url, "small"),
      el(
        "div",
        { class: "grow" },
        el("div", { class: "message-head" }, el("b", {}, me.display_name)),
        el("p", { class: "message-text" }, renderBody(entry.text, entry.mentions)),
        el("p", { class: "unsent-state", role: failed ? "alert" : null }, state),
        entry.state === "held" && el("div", { class: "unsent-actions" }, button("state.close", discard)),
        failed && el("div", { class: "unsent-actions" }, button("unsent.retry", retry), button("unsent.edit", takeBack), button("unsent.discard", discard)),
      ),
    ),
  );
}

export const authorName = (message) => message.author?.name || t("message.gone");

function follows(before, message) {
  return before.author?.id === message.author?.id && !before.deleted && Date.parse(message.at) - Date.parse(before.at) < TOGETHER_MS;
}

const named = (message, me) => message.mentions.some((person) => person.id === me);

function badge(role) {
  return role ? el("span", { class: `role role-${role}` }, t(`role.${role}`)) : null;
}

function text(message, me) {
  if (message.hidden && !message.text) return el("p", { class: "message-text gone" }, t("message.hidden"));
  if (message.deleted) return el("p", { class: "message-text gone" }, t("message.deleted"));
  return el(
    "div",
    { class: "message-text" },
    renderBody(message.text, message.mentions, me),
    message.edited_at && el("small", { class: "edited", title: dateTime(message.edited_at) }, ` (${t("message.edited")})`),
    message.pinned && el("small", { class: "edited pinned" }, icon("pin"), t("message.pinned")),
  );
}

function quote(message, room) {
  const found = room.quoteOf(message);
  const words = found ? t("message.replyTo", { name: authorName(found), text: found.deleted ? t("message.deleted") : plainLine(found.text, found.mentions, 90) }) : t("message.replyToEarlier");
  return el("button", { type: "button", class: "quote", tabindex: "-1", data: { key: "quote", goto: message.reply_to } }, icon("reply"), el("span", {}, words));
}

function reactions(message, room) {
  if (!message.reactions.length) return null;
  return el(
    "div",
    { class: "reactions" },
    ...message.reactions.map(({ emoji, count, mine }) =>
      el(
        "button",
        { type: "button", class: "reaction", tabindex: "-1", "aria-pressed": String(mine), "aria-label": t(mine ? "message.reacted" : "message.reaction", { emoji, count }), data: { key: emoji, emoji }, disabled: !room.mayReact },
        emoji,
        el("span", {}, String(count)),
      ),
    ),
  );
}
