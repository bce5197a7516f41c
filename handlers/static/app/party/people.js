/** @file Who is there, and what may be done about them. */
import { ask, check, field } from "../dialogs.js";
import { avatar, el, icon } from "../dom.js";
import { openMenu } from "../menus.js";
import { t } from "../texts.js";

const RANKS = { guest: 0, cohost: 1, host: 2 };

/**
 * @param {HTMLElement} box
 * @param {object} party `members`, `online`
 * @param {object} me `id`, `role`
 * @param {(name: string, person: {id: number, name: string}, more?: object) => void} run one of `transfer`, `cohost`,
 *   `guest`, `kick` and `ban`
 */
export function drawPeople(box, { members, online }, me, run) {
  const focused = box.contains(document.activeElement) && document.activeElement.closest("[data-id]")?.dataset.id;
  const ordered = [...members].sort((one, other) => RANKS[other.role] - RANKS[one.role]);
  const rows = ordered.map((member) => row(member, me, run));
  const more = Math.max(0, online - members.length);
  box.replaceChildren(...rows, ...(more ? [el("li", { class: "muted" }, t("party.people.more", { count: more }))] : []));
  if (focused) box.querySelector(`[data-id="${focused}"] button`)?.focus();
}

function row({ user, role }, me, run) {
  const name = user.name || t("message.gone");
  const items = actions(role, me, user).map((word) => ({ name: word, word: t(`party.do.${word}`), bad: ["kick", "ban"].includes(word), run: () => run(word, { id: user.id, name }) }));
  const button = items.length > 0 && el("button", { type: "button", class: "icon-button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("party.people.actions", { name }) }, icon("more"));
  if (button) button.addEventListener("click", () => openMenu(button, items, t("party.people.actions", { name })));
  return el(
    "li",
    { data: { id: user.id } },
    avatar(name, user.avatar_url, "small"),
    el("div", { class: "grow name" }, el("b", {}, name), user.id === me.id && el("span", { class: "muted" }, t("party.people.you")), role !== "guest" && el("span", { class: `role role-${role}` }, t(`party.role.${role}`))),
    button,
  );
}

function actions(role, me, user) {
  if (user.id === me.id || RANKS[me.role] <= RANKS[role]) return [];
  const putOut = ["kick", "ban"];
  if (me.role !== "host") return putOut;
  return ["transfer", role === "cohost" ? "guest" : "cohost", ...putOut];
}

/** Asks before somebody is put out. @returns {Promise<{reason: string | null, ban: boolean} | null>} */
export async function askToPutOut(name, ban) {
  const answer = await ask({
    title: t(ban ? "party.ban.title" : "party.kick.title", { name }),
    text: t(ban ? "party.ban.text" : "party.kick.text"),
    fields: [field("reason", t("reason.label"), { maxlength: 500 }), ...(ban ? [] : [check("ban", t("party.kick.ban"), false)])],
    submit: t(ban ? "party.do.ban" : "party.do.kick"),
    danger: true,
  });
  return answer && { reason: answer.reason.trim() || null, ban: ban || "ban" in answer };
}
