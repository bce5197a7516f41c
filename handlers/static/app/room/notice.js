/** @file Why one may not write now, or how: in plain words above the box. */
import { client } from "../client.js";
import { el } from "../dom.js";
import { may } from "../ranks.js";
import { dateTime, t } from "../texts.js";
import { attempt } from "./moderating.js";

/**
 * @param {import("../../mypick/room.js").Room} room
 * @returns {{words: string[], open: boolean, action?: "join" | "again", bad?: boolean, appeal?: boolean}} `open`: one may
 *   write; `appeal`: one may write a note to it
 */
export function standing(room) {
  const { state, mode, role, timeout, error } = room;
  if (state === "out") return out(error);
  if (!mode) return { words: [], open: true }; // what is written before one is in is sent then
  if (timeout && (!timeout.until || Date.parse(timeout.until) > Date.now())) {
    const words = [timeout.until ? t("room.state.timeout", { when: dateTime(timeout.until) }) : t("room.state.timeoutOpen")];
    if (timeout.reason) words.push(t("room.state.reason", { reason: timeout.reason }));
    return { words, open: false, bad: true, appeal: true };
  }
  if (room.archived) return { words: [t("room.state.archived")], open: false };
  const free = may(role, "skip_mode");
  if (mode.locked && !free) return { words: [t("room.state.locked")], open: false };
  if (mode.members_only && role === null && !free) return { words: [t("room.state.members")], open: false, action: "join" };
  const words = [];
  if (state === "away") words.push(t("room.state.away"));
  if (mode.locked) words.push(t("room.state.locked"));
  if (mode.members_only && free) words.push(t("room.state.members"));
  if (mode.follow_minutes && !free) words.push(t("room.state.follow", { time: lasting(mode.follow_minutes) }));
  if (mode.slow_seconds && !may(role, "skip_slow")) words.push(t("room.state.slow", { count: mode.slow_seconds }));
  if (mode.unique_text && !free) words.push(t("room.state.unique"));
  return { words, open: true };
}

function out(error) {
  const { code, details } = error ?? {};
  const reason = details?.reason ? [t("room.state.reason", { reason: details.reason })] : [];
  if (code === "BANNED") return { words: [t("room.state.banned"), ...reason], open: false, action: "again", bad: true, appeal: true };
  if (code === "NOT_MEMBER") return { words: [t("room.state.notMember")], open: false, action: "join" };
  if (code === "NOT_FOUND") return { words: [t("problem.notFound")], open: false, bad: true };
  return { words: [t("room.state.removed")], open: false, action: "again", bad: true };
}

export function lasting(minutes) {
  const [unit, count] = minutes >= 1_440 ? ["day", minutes / 1_440] : minutes >= 60 ? ["hour", minutes / 60] : ["minute", minutes];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 }).format(count);
}

/** Becomes a member; where one comes in only by asking, the community's page is where one asks. */
async function joined(communityId) {
  try {
    await client.request("POST", `/communities/${communityId}/members/me`);
  } catch (error) {
    if (error.code !== "FORBIDDEN" && error.code !== "NOT_MEMBER") throw error;
    location.assign(`/communities/${communityId}`);
  }
}

/** Shows it in `box`; what is the same is not said again. */
export function showNotice(box, room, { words, action, bad, appeal }, communityId) {
  const said = JSON.stringify([words, action]);
  if (box.dataset.said === said) return;
  box.dataset.said = said;
  box.classList.toggle("bad", Boolean(bad));
  const again = () => room.open();
  const join = () => attempt(() => joined(communityId)).then((done) => done && room.open());
  box.replaceChildren(
    ...words.map((text) => el("p", {}, text)),
    ...(appeal ? [el("a", { href: `/communities/${communityId}#appeal` }, t("appeal.submit"))] : []),
    ...(action ? [el("button", { type: "button", class: "button small", on: { click: action === "join" ? join : again } }, t(action === "join" ? "community.join" : "room.state.again"))] : []),
  );
}
