/** @file What went wrong, in the person's language, and what to do about it. */
import { el } from "./dom.js";
import { t, waitFor } from "./texts.js";

/** What those who run a community can meet wherever they act. */
const OFFICE = { TIMED_OUT: "problem.room.timeout", BANNED: "problem.room.banned" };

/** Texts for one situation, before the general ones: `{register: {CONFLICT: "problem.register.taken"}}`. */
const SPECIAL = {
  register: { CONFLICT: "problem.register.taken" },
  login: { UNAUTHENTICATED: "problem.login.wrong", FORBIDDEN: "problem.login.wrong", RATE_LIMITED: "problem.login.locked" },
  password: { FORBIDDEN: "problem.password.wrong" },
  follow: { FULL: "problem.follow.full" },
  keys: { FULL: "problem.keys.full" },
  source: {
    INVALID: "problem.source.invalid",
    NOT_FOUND: "problem.source.notFound",
    UPSTREAM_FAILED: "problem.source.upstream",
    QUOTA_EXHAUSTED: "problem.source.quota",
    FULL: "problem.follow.full",
  },
  room: {
    LOCKED: "problem.room.locked",
    MEMBERS_ONLY: "problem.room.members",
    NOT_MEMBER: "problem.room.members",
    FOLLOW_AGE: "problem.room.follow",
    SLOW_MODE: "problem.room.slow",
    TIMED_OUT: "problem.room.timeout",
    BANNED: "problem.room.banned",
    DUPLICATE_TEXT: "problem.room.same",
    BLOCKED: "problem.room.blocked",
    GONE: "problem.room.gone",
    FULL: "problem.room.full",
    TOO_LARGE: "problem.room.long",
    FORBIDDEN: "problem.room.rank",
  },
  edit: {
    LOCKED: "problem.edit.hidden",
    NOT_MEMBER: "problem.room.members",
    TIMED_OUT: "problem.room.timeout",
    BANNED: "problem.room.banned",
    BLOCKED: "problem.room.blocked",
    GONE: "problem.edit.gone",
    FULL: "problem.edit.full",
    FORBIDDEN: "problem.edit.held",
  },
  party: {
    FORBIDDEN: "problem.party.control",
    GONE: "problem.party.gone",
    NOT_MEMBER: "problem.party.members",
    CONFLICT: "problem.party.moved",
    FULL: "problem.party.full",
    BANNED: "party.out.banned",
    BLOCKED: "problem.room.blocked",
    DUPLICATE_TEXT: "problem.room.same",
    TIMED_OUT: "problem.room.timeout",
    TOO_LARGE: "problem.room.long",
    UPSTREAM_FAILED: "problem.source.upstream",
    QUOTA_EXHAUSTED: "problem.source.quota",
  },
  video: {
    INVALID: "problem.video.invalid",
    NOT_FOUND: "problem.video.notFound",
    CONFLICT: "problem.video.waits",
    FULL: "problem.party.full",
    GONE: "problem.party.gone",
    NOT_MEMBER: "problem.party.members",
    QUOTA_EXHAUSTED: "problem.video.quota",
  },
  leave: { CONFLICT: "problem.community.owner" },
  asking: { ...OFFICE, FULL: "problem.asking.full", RATE_LIMITED: "problem.asking.refused", CONFLICT: "problem.conflict" },
  appeal: { CONFLICT: "problem.appeal.written", GONE: "problem.appeal.over", NOT_FOUND: "problem.appeal.over" },
  rooms: { ...OFFICE, FULL: "problem.rooms.full", CONFLICT: "problem.rooms.last" },
  members: { ...OFFICE, FORBIDDEN: "problem.room.rank", NOT_MEMBER: "problem.members.gone" },
  invites: { ...OFFICE, FULL: "problem.invites.full" },
  requests: { ...OFFICE, BANNED: "problem.requests.banned", CONFLICT: "problem.requests.decided" },
  terms: { ...OFFICE, FULL: "problem.terms.full", INVALID: "problem.terms.invalid" },
  purges: { ...OFFICE, FORBIDDEN: "problem.room.rank", FULL: "problem.purges.full" },
  owner: { ...OFFICE, NOT_MEMBER: "problem.members.gone", CONFLICT: "problem.owner.already" },
  claim: { CONFLICT: "problem.claim.notYet", GONE: "problem.claim.ended", FULL: "problem.claim.full" },
  claimed: { CONFLICT: "problem.requests.decided" },
};

const GENERAL = {
  OFFLINE: "problem.offline",
  TIMEOUT: "problem.timeout",
  UNAUTHENTICATED: "problem.unauthenticated",
  FORBIDDEN: "problem.forbidden",
  NOT_FOUND: "problem.notFound",
  GONE: "problem.notFound",
  CONFLICT: "problem.conflict",
  INVALID: "problem.invalid",
  UPSTREAM_FAILED: "problem.source.upstream",
  RATE_LIMITED: "problem.limited",
};

/**
 * One sentence or two about `error`.
 * @param {import("../mypick.js").MyPickError} error
 * @param {keyof typeof SPECIAL} [situation]
 */
export function describe(error, situation) {
  let key = SPECIAL[situation]?.[error.code] ?? GENERAL[error.code] ?? "problem.unavailable";
  const seconds = error.retryAfterMs ? error.retryAfterMs / 1000 : null;
  if (error.code === "RATE_LIMITED" && seconds === null) key = "problem.limitedUnknown";
  const incident = error.details?.incident ?? error.details?.incident_id;
  return t(key, { when: seconds === null ? "" : waitFor(seconds) }) + (incident ? " " + t("problem.incident", { incident }) : "");
}

/** A box that says what went wrong and offers to try again. */
export function problemBox(error, retry, situation) {
  return el(
    "div",
    { class: "empty problem", role: "alert" },
    el("h3", {}, t("problem.title")),
    el("p", {}, describe(error, situation)),
    retry && el("button", { type: "button", class: "button quiet", on: { click: retry } }, t("state.retry")),
  );
}

/** What to do about a field that the server refused. Its own sentences are for programmers and English alone. */
const FIELDS = {
  display_name: "problem.field.name",
  name: "problem.field.name",
  email: "problem.field.email",
  password: "problem.field.password",
  new_password: "problem.field.password",
  avatar_url: "problem.field.url",
};

/** `{field: message}` of an `INVALID`: details are `[{field: "body.email", message}]`. */
export function fieldProblems(error) {
  const found = {};
  for (const { field } of Array.isArray(error.details) ? error.details : []) {
    const name = String(field ?? "").replace(/^body\./, "").split(".")[0];
    if (name) found[name] = t(FIELDS[name] ?? "problem.field.other");
  }
  return found;
}
