import { client } from "../client.js";
import { $, avatar, el } from "../dom.js";
import { PagedList, emptyBox } from "../lists.js";
import { t, timeElement } from "../texts.js";

/** The server counts up to this; more is "more". */
const MOST = 100;

const row = ({ id, name, role, visibility, unread }) =>
  el(
    "li",
    { class: "creator" },
    el(
      "a",
      { class: "creator-link", href: `/communities/${id}` },
      avatar(name, null),
      el("span", { class: "creator-text" }, el("span", { class: "creator-name" }, name), " ", el("span", { class: "muted" }, t(`community.${visibility}`))),
    ),
    unread > 0 && el("span", { class: "unread", role: "img", "aria-label": t("community.unread", { count: unread < MOST ? unread : `${MOST - 1}+` }) }, unread < MOST ? String(unread) : `${MOST - 1}+`),
    role && el("span", { class: `role role-${role}` }, t(`role.${role}`)),
  );

/** Where there is no community at all, one opens by following somebody. */
const toCreators = () => el("a", { class: "button", href: "/creators" }, t("feed.empty.action"));

const list = (box, query, empty, action = () => null) =>
  new PagedList($(box), {
    class: "creators",
    load: (cursor, signal) => client.request("GET", "/communities", null, { query: { ...query, cursor, limit: 30 }, signal }),
    draw: row,
    empty: () => emptyBox(`${empty}.empty.title`, `${empty}.empty.text`, { action: action() }),
  });

/** What waits for an admin of the site, who decides in the management of each community. */
const claims = new PagedList($("#claim-list"), {
  class: "rows",
  load: (cursor, signal) => client.request("GET", "/claims", null, { query: { cursor, limit: 30 }, signal }),
  draw: ({ community_id: id, community_name: community, user, created_at: at }) =>
    el("li", { class: "row" }, el("a", { class: "grow", href: `/communities/${id}/manage#ownership` }, t("communities.claims.by", { name: user?.name || t("message.gone"), community })), el("span", { class: "muted" }, timeElement(at))),
  empty: () => el("p", { class: "muted" }, t("manage.claims.none")),
});

if (client.user?.role === "admin") {
  $("#claims").hidden = false;
  claims.reload();
}
if (client.user) {
  list("#mine", { mine: true }, "communities.mine").reload();
  list("#all", {}, "communities", toCreators).reload();
}
