/** @file What happened in a party, in words: for the chat as a line, and for screen readers. */
import { duration, t } from "../texts.js";

const PUT_OUT = { left: "left", gone: "left", kicked: "kicked", banned: "banned" };

/**
 * @param {object} event durable
 * @param {object} about `me`, and `nameOf(userId)`
 * @returns {{text: string, spoken: boolean, noted: boolean} | null} `null` for what needs no words
 */
export function wordsOf(event, { me, nameOf }) {
  const { type, data, actor } = event;
  const name = actor?.name || t("message.gone");
  if (type === "timeline") return timeline(data, name, Boolean(actor));
  if (type === "host-changed") return { text: data.host_id === me ? t("party.said.hostYou") : t("party.said.host", { name: nameOf(data.host_id) }), spoken: true, noted: true };
  if (type === "member-joined") return { text: t("party.said.joined", { name }), spoken: false, noted: true };
  if (type === "member-left") {
    const word = PUT_OUT[data.reason] ?? "left";
    return { text: t(`party.said.${word}`, { name: nameOf(data.user_id) }), spoken: word !== "left", noted: true };
  }
  return null;
}

function timeline({ reason, anchor_position_ms: position, rate }, name, byPerson) {
  const time = duration(position / 1000);
  if (reason === "party-ended") return { text: t("party.said.over"), spoken: true, noted: true };
  if (reason === "end") return { text: t("party.said.end"), spoken: true, noted: true };
  if (reason === "ready" || reason === "deadline") return { text: t("party.said.started"), spoken: true, noted: false };
  if (!byPerson || !["play", "pause", "seek", "rate", "load"].includes(reason)) return null;
  return { text: t(`party.said.${reason}`, { name, time, rate }), spoken: true, noted: true };
}
