/** @file What lies over the picture: why nothing moves, how long yet, and what to do. */
import { $, el, icon } from "../dom.js";
import { dateTime, t } from "../texts.js";
import { attendButton } from "./card.js";

export class Curtain {
  #key = "";

  constructor(box) {
    this.box = box;
  }

  /** Shows `nodes` unless what `key` names is shown already; with `null` the picture lies open. */
  show(key, nodes = () => [], { light = false } = {}) {
    if (key === this.#key) return;
    const focused = this.box.contains(document.activeElement);
    this.#key = key;
    this.box.hidden = key === null;
    this.box.classList.toggle("light", light);
    this.box.replaceChildren(...(key === null ? [] : nodes().filter(Boolean)));
    if (focused) ($("button, a", this.box) ?? $("#main")).focus();
  }

  get key() {
    return this.#key;
  }
}

const button = (word, run, symbol = null) => el("button", { type: "button", class: "button", on: { click: run } }, symbol && icon(symbol), t(word));
const quiet = (text) => el("p", { class: "muted" }, text);

/** The start gate: how many of how many are ready, and how long it waits at most. */
export function gate(curtain, { ready, of, left }) {
  curtain.show("gate", () => [el("p", { class: "gate-words" }), el("div", { class: "gate-bar", "aria-hidden": "true" }, el("i")), el("p", { class: "count-down" })]);
  const words = of ? t("party.gate.count", { ready, of }) : t("party.gate");
  if ($(".gate-words", curtain.box).textContent !== words) $(".gate-words", curtain.box).textContent = words;
  $(".gate-bar i", curtain.box).style.width = of ? `${(100 * ready) / of}%` : "0%";
  const seconds = Math.max(0, Math.ceil(left / 1000));
  const text = seconds > 0 ? t("party.gate.left", { count: seconds }) : t("party.gate.now");
  if ($(".count-down", curtain.box).textContent !== text) $(".count-down", curtain.box).textContent = text;
}

export function idle(curtain, { may, startsAt, play }) {
  const later = startsAt && Date.parse(startsAt) > Date.now();
  curtain.show(`idle ${may} ${later ? startsAt : ""}`, () => [
    later ? el("p", {}, t("party.idle.at", { when: dateTime(startsAt) })) : el("p", {}, t(may ? "party.idle.host" : "party.idle")),
    may && button("party.start", play, "play"),
  ]);
}

export function ended(curtain, { may, next, replay, playNext }) {
  curtain.show(`ended ${may} ${next ?? ""}`, () => [el("p", {}, t("party.ended")), next && quiet(t("party.ended.next", { title: next })), may && next && button("party.next", playNext, "next"), may && button("party.replay", replay, "play")]);
}

/** The browser plays nothing before a touch, or nothing that can be heard. */
export function blocked(curtain, { silent, unlock }) {
  curtain.show(`blocked ${silent}`, () => [!silent && el("p", {}, t("party.blocked")), button(silent ? "party.sound" : "party.tap", unlock, "sound")], { light: silent });
}

export function unplayable(curtain, { address, again }) {
  curtain.show("unplayable", () => [
    el("p", {}, t("party.unplayable")),
    address && el("a", { class: "button", href: address, target: "_blank", rel: "noopener noreferrer" }, icon("out"), t("party.unplayable.open")),
    el("button", { type: "button", class: "button quiet", on: { click: again } }, t("state.retry")),
  ]);
}

const WHY = { BANNED: "banned", NOT_FOUND: "notFound", GONE: "over", FULL: "full", NOT_MEMBER: "members", FORBIDDEN: "kicked", UNAUTHENTICATED: "signedOut" };

/**
 * One is not in the party, or not any more. `byLink`: one came by an invite. `coming`: the party as it is shown to those
 * who are not in it, for one that has not begun.
 */
export function out(curtain, error, { again, community = null, byLink = false, coming = null }) {
  const { code, details } = error ?? {};
  if (code === "LOCKED" && details?.starts_at) {
    curtain.show(`out early ${details.starts_at} ${coming?.id}`, () => [
      el("p", { role: "alert" }, t("party.idle.at", { when: dateTime(details.starts_at) })),
      quiet(t("party.out.early")),
      coming && attendButton(coming),
    ]);
    return;
  }
  const putOut = code === "NOT_MEMBER" && details && "until" in details; // by an eviction; a refusal says no time
  const why = putOut ? "kicked" : code === "NOT_FOUND" && byLink ? "link" : (WHY[code] ?? "lost");
  curtain.show(`out ${why}`, () => [
    el("p", { role: "alert" }, t(`party.out.${why}`)),
    details?.reason && quiet(t("room.state.reason", { reason: details.reason })),
    why === "members" && community && el("a", { class: "button", href: community }, t("party.out.join")),
    ["kicked", "lost", "full"].includes(why) ? button("party.out.again", again) : el("a", { class: "button", href: "/parties" }, t("party.out.others")),
  ]);
}
