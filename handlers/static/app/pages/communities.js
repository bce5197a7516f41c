import { client } from "../client.js";
import { $, avatar, el } from "../dom.js";
import { PagedList, emptyBox } from "../lists.js";
import { t } from "../texts.js";

const row = ({ id, name, role, visibility }) =>
  el(
    "li",
    { class: "creator" },
    el(
      "a",
      { class: "creator-link", href: `/communities/${id}` },
      avatar(name, null),
      el("span", { class: "creator-text" }, el("span", { class: "creator-name" }, name), " ", el("span", { class: "muted" }, t(`community.${visibility}`))),
    ),
    role && el("span", { class: `role role-${role}` }, t(`role.${role}`)),
  );

const list = (box, query, empty) =>
  new PagedList($(box), {
    class: "creators",
    load: (cursor, signal) => client.request("GET", "/communities", null, { query: { ...query, cursor, limit: 30 }, signal }),
    draw: row,
    empty: () => emptyBox(`${empty}.empty.title`, `${empty}.empty.text`),
  });

if (client.user) {
  list("#mine", { mine: true }, "communities.mine").reload();
  list("#all", {}, "communities").reload();
}
