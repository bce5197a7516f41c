/** @file The members of a community, the highest role first, page by page, found by a part of the name. */
import { client } from "./client.js";
import { avatar, el } from "./dom.js";
import { PagedList } from "./lists.js";
import { t, timeWithin } from "./texts.js";

/** Asked for so long after the last key, ms. */
const QUIET_MS = 250;

export class MemberList extends PagedList {
  constructor(box, search, communityId, draw = (member) => memberRow(member)) {
    super(box, {
      class: "rows",
      load: (cursor, signal) => client.request("GET", `/communities/${communityId}/members`, null, { query: { q: search.value.trim(), cursor, limit: 50 }, signal }),
      draw,
      empty: () => el("p", { class: "muted" }, search.value.trim() ? t("community.people.none", { query: search.value.trim() }) : t("community.people.empty")),
    });
    let timer = null;
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.reload(), QUIET_MS);
    });
    search.form?.addEventListener("submit", (event) => event.preventDefault());
  }
}

/** @param {HTMLElement[]} more what stands at the end of the row */
export function memberRow({ user, role, joined_at: joined }, ...more) {
  const name = user.name || t("message.gone");
  return el(
    "li",
    { class: "row", data: { user: user.id } },
    avatar(name, user.avatar_url, "small"),
    el("div", { class: "grow" }, el("b", {}, name), " ", role !== "member" && role !== "newcomer" && el("span", { class: `role role-${role}` }, t(`role.${role}`)), el("div", { class: "muted" }, ...timeWithin("community.people.since", joined))),
    ...more,
  );
}
