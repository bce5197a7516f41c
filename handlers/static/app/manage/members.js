/** @file Who belongs and which role they have; who is timed out and who is banned. */
import { client } from "../client.js";
import { ask } from "../dialogs.js";
import { $, announce, avatar, el, icon } from "../dom.js";
import { PagedList } from "../lists.js";
import { MemberList, memberRow } from "../members.js";
import { openMenu } from "../menus.js";
import { givenBy, outranks } from "../ranks.js";
import { attempt } from "../room/moderating.js";
import { dateTime, t, timeWithin } from "../texts.js";
import { deeds } from "./people.js";

/** Roles that nobody gives by a slip of the hand. */
const GRAVE = ["manager", "owner"];

export function startMembers(place) {
  const box = $("#people");
  const members = new MemberList(box, $("#q"), place.id, row);
  let kind = "all";
  const sanctioned = new PagedList(box, {
    class: "rows",
    load: (cursor, signal) => client.request("GET", `${place.path}/sanctions`, null, { query: { kind, cursor, limit: 50 }, signal }),
    draw: sanctionRow,
    empty: () => el("p", { class: "muted" }, t(`manage.members.${kind}.none`)),
  });
  const refresh = () => (kind === "all" ? members : sanctioned).reload();

  for (const button of document.querySelectorAll("[data-people]")) {
    button.addEventListener("click", () => {
      kind = button.dataset.people;
      for (const other of document.querySelectorAll("[data-people]")) other.setAttribute("aria-pressed", String(other === button));
      $("#people-search").hidden = kind !== "all";
      refresh();
    });
  }

  function row(member) {
    const { user, role } = member;
    if (user.id === client.user.id || !outranks(place.role, role)) return memberRow(member);
    const drawn = memberRow(member, place.may("set_role") && roleSelect(member), more(user, { member: true, gone: () => goneFrom(drawn) }));
    drawn.classList.add("member-row");
    return drawn;
  }

  function more(user, what) {
    const name = user.name || t("message.gone");
    const button = el("button", { type: "button", class: "icon-button", "aria-label": t("manage.members.more", { name }), "aria-haspopup": "menu", "aria-expanded": "false" }, icon("more"));
    button.addEventListener("click", () => openMenu(button, deeds(place, user, what), t("manage.members.more", { name })));
    return button;
  }

  function roleSelect(member) {
    const { user } = member;
    const name = user.name || t("message.gone");
    const now = member.role === "newcomer" ? "member" : member.role;
    const select = el("select", { class: "role-select", "aria-label": t("manage.members.role", { name }) }, ...givenBy(place.role).map((role) => el("option", { value: role, selected: role === now }, t(`role.${role}`))));
    select.addEventListener("change", async () => {
      const role = select.value;
      const word = t(`role.${role}`);
      const sure = !GRAVE.includes(role) || (await ask({ title: t("manage.members.promote", { name, role: word }), text: t(`manage.roles.${role}`), submit: t("manage.members.promote.submit") }));
      const done = sure && (await attempt(() => client.request("PATCH", `${place.path}/members/${user.id}`, { role }), t("manage.members.role.done", { name, role: word }), "members"));
      if (!done) return void (select.value = now);
      const fresh = row({ ...member, role });
      select.closest("li").replaceWith(fresh);
      $("select", fresh)?.focus();
    });
    return select;
  }

  function sanctionRow({ user, until, reason, actor, created_at: began }) {
    const name = user?.name || t("message.gone");
    const words = [until ? t("manage.members.until", { when: dateTime(until) }) : t("manage.members.open"), actor && t("manage.members.by", { name: actor.name })];
    const lift = async () => {
      if (await attempt(() => place.sanction("unban-member", user.id), t("unban.done", { name }), "members")) goneFrom(drawn);
    };
    const drawn = el(
      "li",
      { class: "row member-row" },
      avatar(name, user?.avatar_url, "small"),
      el(
        "div",
        { class: "grow" },
        el("b", {}, name),
        el("div", { class: "muted" }, ...timeWithin("manage.members.began", began), " · ", words.filter(Boolean).join(" · ")),
        reason && el("div", { class: "muted" }, t("room.state.reason", { reason })),
      ),
      user && el("button", { type: "button", class: "button quiet small", "aria-label": t("manage.members.liftName", { name }), on: { click: lift } }, t("manage.members.lift")),
      user && more(user, { member: false }),
    );
    return drawn;
  }

  /** A row that is done with goes; the next one gets the focus. */
  function goneFrom(drawn) {
    const next = drawn.nextElementSibling ?? drawn.previousElementSibling;
    drawn.remove();
    if (next) ($("button, select", next) ?? $("#members-title")).focus();
    else {
      refresh();
      $("#members-title").focus();
    }
    announce(t("manage.members.gone"));
  }

  return refresh;
}
