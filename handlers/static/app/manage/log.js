/** @file What moderators did, in words. Nobody can change it. */
import { client } from "../client.js";
import { $, avatar, el } from "../dom.js";
import { PagedList } from "../lists.js";
import { dateTime, has, t, timeElement } from "../texts.js";

/** Deeds that one looks for, most wanted first. */
const DEEDS = ["ban", "unban", "timeout", "remove-member", "purge", "delete-message", "delete-discussion", "delete-comment", "dismiss-reports", "approve-held", "reject-held", "accept-request", "refuse-request", "lift-on-appeal", "keep-on-appeal", "set-role", "transfer", "claim", "set-room-mode", "create-room", "change-room", "order-rooms", "change-community", "create-invite", "revoke-invite", "set-term", "remove-term", "set-term-lists", "pin-message", "unpin-message", "pin-discussion", "unpin-discussion", "lock-discussion", "unlock-discussion"];

const deedWord = (action) => (has(`log.${action}`) ? t(`log.${action}`) : action);

/** One entry; `roomName` tells a room's name where the page knows it. */
export function logRow({ actor, action, user, room_id: room, reason, details, at }, roomName = () => null) {
  const name = actor?.name ?? "MyPick";
  const facts = [user && t("log.to", { name: user.name || t("message.gone") }), room && roomName(room), ...factsOf(details)].filter(Boolean);
  return el(
    "li",
    { class: "row log-row" },
    avatar(name, actor?.avatar_url, "small"),
    el("div", { class: "grow" }, el("b", {}, name), " · ", deedWord(action), facts.length > 0 && el("div", { class: "muted" }, facts.join(" · ")), reason && el("div", { class: "muted" }, `“${reason}”`)),
    el("span", { class: "muted" }, timeElement(at)),
  );
}

/** What the details of a deed say that a person wants to know. */
function factsOf({ until, role, term, effect, uses, visibility, languages }) {
  return [
    until && t("manage.members.until", { when: dateTime(until) }),
    role && has(`role.${role}`) && t(`role.${role}`),
    term && `“${term}”`,
    effect && has(`manage.terms.${effect}`) && t(`manage.terms.${effect}`),
    uses && t("log.uses", { count: uses }),
    visibility && has(`community.${visibility}`) && t(`community.${visibility}`),
    languages && (languages.map((one) => t(`manage.terms.list.${one}`)).join(", ") || t("log.none")),
  ];
}

export function startLog(place) {
  const select = $("#log-action");
  const about = $("#log-person");
  let person = null;
  select.append(el("option", { value: "" }, t("manage.log.all")), ...DEEDS.map((action) => el("option", { value: action }, deedWord(action))));
  const list = new PagedList($("#log-list"), {
    class: "rows",
    load: (cursor, signal) => client.request("GET", `${place.path}/moderation-log`, null, { query: { ...(select.value && { action: select.value }), ...(person && { user_id: person.id }), cursor, limit: 50 }, signal }),
    draw: (entry) => logRow(entry, (id) => place.nameOfRoom(id)),
    empty: () => el("p", { class: "muted" }, t("manage.log.none")),
  });
  select.addEventListener("change", () => list.reload());

  function setPerson(user) {
    person = user;
    about.hidden = !user;
    const all = el("button", { type: "button", class: "link-button", on: { click: () => (setPerson(null), list.reload(), select.focus()) } }, t("manage.log.everybody"));
    about.replaceChildren(...(user ? [el("span", {}, t("manage.log.about", { name: user.name || t("message.gone") })), " ", all] : []));
  }
  place.logOf = (user) => {
    select.value = "";
    setPerson(user);
  };
  if (place.logFor) place.logOf(place.logFor);
  return () => list.reload();
}
