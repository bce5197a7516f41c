/** @file Choosing a video from what one follows, or from one creator. */
import { client } from "../client.js";
import { el, icon, picture } from "../dom.js";
import { PagedList } from "../lists.js";
import { duration, t } from "../texts.js";

/**
 * @param {string} title of the dialog
 * @param {number | null} [creatorId] whose videos stand first
 * @param {{withAddress?: boolean}} [more] also take the address of a video
 * @returns {Promise<object | null>} a content, or `{url}` alone; `null` where it was left
 */
export function chooseVideo(title, creatorId = null, { withAddress = false } = {}) {
  return new Promise((resolve) => {
    const box = el("div", { class: "choose-list", data: { skeleton: "line" } });
    const source = el(
      "div",
      { class: "segments", role: "group", "aria-label": t("choose.from"), hidden: creatorId === null },
      ...["creator", "feed"].map((name) => el("button", { type: "button", data: { from: name }, "aria-pressed": "false" }, t(`choose.${name}`))),
    );
    const address = el("input", { id: "choose-url", type: "url", maxlength: 500, autocomplete: "off", placeholder: "https://www.youtube.com/watch?v=…" });
    const byAddress = el("form", { class: "inline-form", method: "dialog" }, el("div", { class: "field" }, el("label", { for: "choose-url" }, t("choose.url")), address), el("button", { type: "submit", class: "button quiet" }, t(creatorId === null ? "choose.go" : "choose.add")));
    byAddress.addEventListener("submit", (event) => {
      if (!address.value.trim()) return event.preventDefault();
      chosen = { url: address.value.trim() };
    });
    const leave = el("button", { type: "button", class: "button quiet" }, t("message.cancel"));
    const dialog = el("dialog", { class: "dialog choose", "aria-labelledby": "choose-title" }, el("h2", { id: "choose-title" }, title), source, box, withAddress && byAddress, el("div", { class: "dialog-end" }, leave));
    const focused = document.activeElement;
    let chosen = null;
    let from = creatorId === null ? "feed" : "creator";
    const list = new PagedList(box, {
      class: "rows",
      load: (cursor, signal) => client.request("GET", from === "feed" ? "/feed" : `/creators/${creatorId}/videos`, null, { query: { cursor, limit: 24 }, signal }),
      draw: (item) => row(item, () => ((chosen = item), dialog.close())),
      empty: () => el("p", { class: "muted pad" }, t(from === "feed" ? "choose.empty.feed" : "choose.empty"), " ", from === "feed" && el("a", { href: "/creators" }, t("choose.follow"))),
    });
    const show = (name) => {
      from = name;
      for (const button of source.children) button.setAttribute("aria-pressed", String(button.dataset.from === name));
      list.reload();
    };
    source.addEventListener("click", ({ target }) => target.dataset.from && show(target.dataset.from));
    leave.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (focused?.isConnected) focused.focus();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
    show(from);
  });
}

function row(item, choose) {
  if (item.kind === "post") return el("li", { hidden: true });
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "choice", on: { click: choose } },
      el("span", { class: "thumb" }, icon("play"), picture(item.image_url)),
      el("span", { class: "grow" }, el("b", {}, item.title), el("span", { class: "muted" }, item.creator.name, item.duration_s ? ` · ${duration(item.duration_s)}` : "")),
    ),
  );
}
