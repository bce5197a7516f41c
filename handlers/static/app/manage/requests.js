/** @file Who asks to come in. */
import { client } from "../client.js";
import { $, avatar, el } from "../dom.js";
import { PagedList } from "../lists.js";
import { attempt } from "../room/moderating.js";
import { t, timeElement } from "../texts.js";

export function startRequests(place) {
  const list = new PagedList($("#request-list"), {
    class: "rows",
    load: (cursor, signal) => client.request("GET", `${place.path}/requests`, null, { query: { cursor, limit: 30 }, signal }),
    draw: row,
    empty: () => el("p", { class: "muted" }, t("manage.requests.none")),
  });

  function row({ id, user, text, created_at: at }) {
    const name = user?.name || t("message.gone");
    const button = (accept, word, properties) => el("button", { type: "button", "aria-label": t(`manage.requests.${word}Name`, { name }), on: { click: () => decide(id, accept, name) }, ...properties }, t(`desk.request.${accept ? "yes" : "no"}`));
    return el(
      "li",
      { class: "row member-row", data: { id } },
      avatar(name, user?.avatar_url, "small"),
      el("div", { class: "grow" }, el("b", {}, name), " ", el("span", { class: "muted" }, timeElement(at)), text && el("p", {}, text)),
      el("div", { class: "row-ends" }, button(true, "accept", { class: "button small" }), button(false, "refuse", { class: "button quiet small danger" })),
    );
  }

  async function decide(id, accept, name) {
    const done = await attempt(() => client.request("POST", `/requests/${id}/decision`, { accept }), t(accept ? "manage.requests.accepted" : "manage.requests.refused", { name }), "requests");
    if (done) settle(id);
    else list.reload();
  }

  function settle(id) {
    const drawn = $(`[data-id="${id}"]`, list.list);
    if (!drawn) return;
    const next = drawn.nextElementSibling ?? drawn.previousElementSibling;
    const focused = drawn.contains(document.activeElement);
    drawn.remove();
    if (!next) list.reload();
    if (focused) (next ? $("button", next) : $("#requests-title")).focus();
  }

  place.watchers.request = ({ id, waiting }) => {
    if (!waiting) settle(id);
    else if (!list.knows(id)) list.reload();
  };
  return () => list.reload();
}
