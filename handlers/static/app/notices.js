/** @file One notification as a row, in the bell and in the list. */
import { el, icon, picture, webAddress } from "./dom.js";
import { inbox } from "./inbox.js";
import { describe } from "./problems.js";
import { has, t, timeElement } from "./texts.js";
import { outside, toast } from "./toast.js";

export const kindName = (kind) => t(has(`kind.${kind}`) ? `kind.${kind}` : "kind.other");

const KIND_ICONS = { "new-video": "play", "live-started": "live", "new-post": "post" };

export const markRead = (which) => inbox.markRead(which).catch((error) => toast({ text: describe(error), kind: "bad" }));

export function noticeRow(item, { withButton = false } = {}) {
  const { kind, title, body, url, image_url: image } = item.data;
  const address = webAddress(url) ?? "/notifications";
  const read = () => !item.read && markRead({ ids: [item.id] });
  return el(
    "li",
    { class: `notice ${item.read ? "" : "unread"}`, data: { id: item.id, seq: item.seq } },
    el(
      "a",
      { href: address, class: "notice-link", ...outside(address), on: { click: read, auxclick: read } },
      el("span", { class: "thumb" }, icon(KIND_ICONS[kind] ?? "bell"), picture(image)),
      el(
        "span",
        { class: "notice-text" },
        el("span", { class: `kind ${kind === "live-started" ? "kind-live" : ""}` }, kindName(kind), " · ", timeElement(item.at)),
        el("span", { class: "notice-title" }, title),
        body && el("span", { class: "notice-body" }, body),
      ),
      !item.read && el("span", { class: "visually-hidden" }, t("notifications.unreadMark")),
    ),
    !item.read && el("span", { class: "notice-end" }, withButton && readButton(title, read), el("span", { class: "dot", "aria-hidden": "true" })),
  );
}

const readButton = (title, read) =>
  el("button", { type: "button", class: "link-button mark-read", on: { click: read } }, icon("check"), t("notifications.markRead"), el("span", { class: "visually-hidden" }, `: ${title}`));
