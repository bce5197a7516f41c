/** @file What is done to one person: out, silenced, banned, or all they wrote deleted. Each asks first. */
import { newId } from "../../mypick/errors.js";
import { client } from "../client.js";
import { ask, choice } from "../dialogs.js";
import { may } from "../ranks.js";
import { BACK, attempt, ban, hoursBack, reasonField, timeOut } from "../room/moderating.js";
import { roomName } from "../room/rooms.js";
import { t } from "../texts.js";

/**
 * The menu of one person.
 *
 * @param {import("./place.js").Place} place
 * @param {{id: number, name: string}} user
 * @param {object} what
 * @param {boolean} what.member
 * @param {() => void} what.gone they are no member any more
 */
export function deeds(place, user, { member, gone = () => {} }) {
  const name = user.name || t("message.gone");
  const about = { author: user };
  const then = async (done) => (await done) && gone();
  const items = [
    member && may(place.role, "timeout") && ["timeout", t("message.timeout"), () => timeOut(place, about)],
    member && may(place.role, "remove") && ["remove", t("manage.members.remove"), () => then(remove(place, user, name))],
    member && may(place.role, "ban") && ["ban", t("message.ban"), () => then(ban(place, about))],
    may(place.role, "purge") && ["purge", t("manage.members.purge"), () => purge(place, user, name)],
    may(place.role, "read_log") && ["log", t("manage.members.log"), () => place.showLog(user)],
  ];
  return items.filter(Boolean).map(([key, word, run]) => ({ name: key, word, bad: ["timeout", "remove", "ban", "purge"].includes(key), run }));
}

async function remove(place, user, name) {
  const answer = await ask({ title: t("manage.members.remove.title", { name }), text: t("manage.members.remove.text", { name }), fields: [reasonField()], submit: t("manage.members.remove").replace("…", ""), danger: true });
  if (!answer) return false;
  const reason = answer.reason.trim();
  return attempt(() => client.request("DELETE", `${place.path}/members/${user.id}`, null, { query: reason ? { reason } : {} }), t("manage.members.remove.done", { name }));
}

/** Deletes what somebody wrote; how far it is stands in the section of purges. */
async function purge(place, user, name) {
  const open = place.about.rooms.map((room) => [String(room.id), t("manage.purges.in", { room: roomName(room.name) })]);
  const fields = [
    choice("hours", t("manage.purges.hours"), BACK.map((hours) => [hours, t(`back.${hours}`)])),
    choice("room", t("manage.purges.where"), [["", t("manage.purges.everywhere")], ...open]),
    reasonField(),
  ];
  const answer = await ask({ title: t("manage.purges.title", { name }), text: t("manage.purges.text"), fields, submit: t("message.delete"), danger: true });
  if (!answer) return;
  const body = { user_id: user.id, cid: newId(), hours: hoursBack(answer.hours), everywhere: !answer.room, reason: answer.reason.trim() || null };
  const begin = async () => {
    const { data } = await client.request("POST", `/rooms/${answer.room || place.room}/purges`, body);
    place.begun.set(data.purge_id, user);
  };
  if (await attempt(begin, t("manage.purges.begun"), "purges")) place.go("purges");
}
