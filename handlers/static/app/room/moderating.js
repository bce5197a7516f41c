/** @file Deleting, reporting, timing out, banning, and the mode of the room: each asks first, then does it, and says
 * whether it was done. */
import { ask, check, choice, field } from "../dialogs.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";
import { describe } from "../problems.js";
import { authorName } from "./row.js";

const TIMEOUTS = [60, 300, 600, 3_600, 86_400, 604_800];
/** `told`: whether the person is shown it; of what was deleted the log alone has the reason. */
export const reasonField = ({ told = true } = {}) => field("reason", t(told ? "reason.label" : "reason.log"), { maxlength: 500 });

/** Up to how many hours back a ban deletes what somebody wrote; `all` of it. */
export const BACK = ["1", "24", "168", "all"];
export const hoursBack = (value) => (value === "all" ? "all" : Number(value) || null);

/** Runs `work`, and tells in the person's words what went wrong; for `situation` see `describe`. Whether it was done. */
export async function attempt(work, done = null, situation = "room") {
  try {
    await work();
    if (done) toast({ text: done, kind: "good" });
    return true;
  } catch (error) {
    toast({ text: describe(error, situation), kind: "bad" });
    return false;
  }
}

export async function deleteMessage(room, message, own) {
  const answer = await ask({ title: t("delete.title"), text: t("delete.text"), fields: own ? [] : [reasonField({ told: false })], submit: t("message.delete"), danger: true });
  if (answer) await attempt(() => room.remove(message, answer.reason?.trim() || null));
}

export async function reportMessage(room, message) {
  const answer = await ask({ title: t("report.title"), text: t("report.text"), fields: [field("reason", t("report.reason"), { required: true, maxlength: 500 })], submit: t("message.report") });
  if (answer) await attempt(() => room.report(message, answer.reason.trim()), t("report.done"));
}

export async function timeOut(room, message) {
  const name = authorName(message);
  const options = TIMEOUTS.map((seconds) => [String(seconds), t(`timeout.${seconds}`)]);
  const answer = await ask({ title: t("timeout.title", { name }), text: t("timeout.text", { name }), fields: [choice("seconds", t("timeout.for"), options), reasonField()], submit: t("message.timeout").replace("…", ""), danger: true });
  if (!answer) return false;
  const more = { seconds: Number(answer.seconds), reason: answer.reason.trim() || null };
  return attempt(() => room.sanction("timeout-member", message.author.id, more), t("timeout.done", { name }));
}

export async function ban(room, message) {
  const name = authorName(message);
  const purge = choice("purge", t("ban.purge"), [["", t("ban.purge.none")], ...BACK.map((hours) => [hours, t(`back.${hours}`)])]);
  const answer = await ask({ title: t("ban.title", { name }), text: t("ban.text", { name }), fields: [purge, reasonField()], submit: t("message.ban").replace("…", ""), danger: true });
  if (!answer) return false;
  const more = { reason: answer.reason.trim() || null, purge: hoursBack(answer.purge) };
  return attempt(() => room.sanction("ban-member", message.author.id, more), t("ban.done", { name }));
}

export const unban = (room, message) => attempt(() => room.sanction("unban-member", message.author.id), t("unban.done", { name: authorName(message) }));

export async function changeMode(room) {
  const { mode } = room;
  const number = (name, label, value, max) => field(name, label, { type: "number", min: 0, max, value, required: true, inputmode: "numeric" });
  const fields = [
    number("slow_seconds", t("mode.slow"), mode.slow_seconds, 300),
    number("follow_minutes", t("mode.follow"), mode.follow_minutes, 129_600),
    check("members_only", t("mode.members"), mode.members_only),
    check("unique_text", t("mode.unique"), mode.unique_text),
    check("previews", t("mode.previews"), mode.previews),
    check("locked", t("mode.locked"), mode.locked),
  ];
  const answer = await ask({ title: t("mode.title"), text: room.name ?? null, fields, submit: t("message.save") });
  if (!answer) return false;
  const changes = { slow_seconds: Number(answer.slow_seconds), follow_minutes: Number(answer.follow_minutes) };
  for (const name of ["members_only", "unique_text", "previews", "locked"]) changes[name] = name in answer;
  return attempt(() => room.setMode(changes), t("mode.saved"));
}
