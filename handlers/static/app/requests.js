/** @file One's own request to come into a community: asked, looked at, withdrawn. */
import { client } from "./client.js";
import { ask, field } from "./dialogs.js";
import { el } from "./dom.js";
import { attempt } from "./room/moderating.js";
import { t, timeWithin } from "./texts.js";

/** The newest request of the own ones there; `null` where one never asked. */
export async function myRequest(communityId) {
  const { data } = await client.request("GET", "/users/me/requests", null, { query: { community_id: communityId } });
  return data[0] ?? null;
}

/** Asks in a dialog; whether it was sent. */
export async function askToJoin(communityId) {
  const answer = await ask({ title: t("community.ask"), fields: [field("text", t("community.ask.text"), { maxlength: 300 })], submit: t("community.ask") });
  return answer !== null && attempt(() => client.request("POST", `/communities/${communityId}/requests`, { text: answer.text.trim() }), t("community.asked"), "asking");
}

/**
 * What became of a request, and what one can do about it.
 *
 * @param {object | null} request
 * @param {() => void} changed it was withdrawn
 * @returns {HTMLElement[]} nothing where nobody asked
 */
export function requestState(request, changed) {
  if (request?.status === "refused") return [el("p", { class: "muted" }, ...timeWithin("community.request.refused", request.decided_at ?? request.created_at))];
  if (request?.status !== "waiting") return [];
  const withdraw = async () => {
    if (await attempt(() => client.request("DELETE", `/communities/${request.community_id}/requests/me`), t("community.request.withdrawn"))) changed();
  };
  return [
    el("p", { role: "status" }, t("community.asked")),
    el("p", { class: "muted" }, ...timeWithin("community.request.since", request.created_at), request.text && ` · “${request.text}”`),
    el("button", { type: "button", class: "button quiet", data: { withdraw: "yes" }, on: { click: withdraw } }, t("community.request.withdraw")),
  ];
}
