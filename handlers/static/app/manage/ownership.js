/** @file Whose the community is: given to a member, claimed by the creator, and claims that an admin decides. */
import { client } from "../client.js";
import { ask, check } from "../dialogs.js";
import { $, el } from "../dom.js";
import { PagedList } from "../lists.js";
import { MemberList, memberRow } from "../members.js";
import { attempt } from "../room/moderating.js";
import { t, timeElement } from "../texts.js";
import { startClaim } from "./claim.js";

/** Owners are read with the first members, who are those of the highest role. */
const FIRST = 5;

export function startOwnership(place) {
  const gives = place.may("transfer");
  const decides = place.may("decide_claims");
  const claim = place.role === "owner" || decides ? null : startClaim(place);
  const heirs = new MemberList($("#heirs"), $("#heir-q"), place.id, (member) => {
    const { user, role } = member;
    if (role === "owner") return memberRow(member);
    const name = user.name || t("message.gone");
    return memberRow(member, el("button", { type: "button", class: "button quiet small", "aria-label": t("manage.transfer.name", { name }), on: { click: () => give(user, name) } }, t("manage.transfer.give")));
  });
  const claims = new PagedList($("#claim-list"), {
    class: "rows",
    load: (cursor, signal) => client.request("GET", "/claims", null, { query: { community_id: place.id, cursor, limit: 30 }, signal }),
    draw: claimRow,
    empty: () => el("p", { class: "muted" }, t("manage.claims.none")),
  });

  async function owners() {
    const line = $("#owner");
    if (!place.may("read_sanctions")) return void (line.hidden = true);
    const { data } = await client.request("GET", `${place.path}/members`, null, { query: { limit: FIRST } }).catch(() => ({ data: [] }));
    const names = data.filter(({ role }) => role === "owner").map(({ user }) => user.name || t("message.gone"));
    line.textContent = names.length ? t(place.about.claimed ? "manage.owner.claimed" : "manage.owner.is", { name: names.join(", ") }) : t("manage.owner.none");
  }

  async function give(user, name) {
    const sure = el("div", { class: "field" }, check("sure", t("manage.transfer.sure"), false));
    $("input", sure).required = true;
    const title = t("manage.transfer.title", { community: place.about.name, name });
    const answer = await ask({ title, text: t(place.role === "owner" ? "manage.transfer.text" : "manage.transfer.admin", { name }), fields: [sure], submit: t("manage.transfer.submit"), danger: true });
    if (!answer) return;
    if (await attempt(() => client.request("POST", `${place.path}/owner`, { user_id: user.id }), null, "owner")) place.changed(t("manage.transfer.done", { name }));
  }

  function claimRow({ id, user, text, code, created_at: at }) {
    const name = user?.name || t("message.gone");
    const decide = async (accept) => {
      if (accept && !(await ask({ title: t("manage.claims.title", { name }), text: t("manage.claims.text", { name }), submit: t("manage.claims.accept"), danger: true }))) return;
      if (await attempt(() => client.request("POST", `/claims/${id}/decision`, { accept }), null, "claimed")) place.changed(t(accept ? "manage.claims.accepted" : "manage.claims.refused", { name }));
    };
    const button = (accept, word, css) => el("button", { type: "button", class: css, "aria-label": t(`manage.claims.${word}Name`, { name }), on: { click: () => decide(accept) } }, t(`manage.claims.${word}`));
    return el(
      "li",
      { class: "row member-row", data: { id } },
      el("div", { class: "grow" }, el("b", {}, name), " ", el("span", { class: "muted" }, timeElement(at)), text && el("p", {}, text), el("div", {}, el("code", { class: "muted" }, code))),
      el("div", { class: "row-ends" }, button(true, "accept", "button small"), button(false, "refuse", "button quiet small danger")),
    );
  }

  $("#transfer").hidden = !gives;
  $("#claims").hidden = !decides;
  return () => Promise.all([owners(), gives && heirs.reload(), decides && claims.reload(), claim?.()]);
}
