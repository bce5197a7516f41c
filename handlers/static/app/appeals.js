/** @file What holds against oneself in a community, why, and the one note that one may write to it. */
import { client } from "./client.js";
import { el } from "./dom.js";
import { attempt } from "./room/moderating.js";
import { dateTime, t } from "./texts.js";

/** A box for what is in force, a ban or a timeout, under the name of the community; none where nothing is. */
export async function ownSanctions(communityId) {
  const { data } = await client.request("GET", `/communities/${communityId}/sanctions/me`);
  const ban = data.find(({ kind }) => kind === "ban"); // beside which a timeout says nothing, and wants no note of its own
  return { name: data[0]?.community_name ?? null, boxes: (ban ? [ban] : data).map(sanction) };
}

function sanction({ id, kind, until, reason, appeal, answer }) {
  const state = el("div", { class: "appeal-state" });
  const show = (status) => {
    if (status === null) return state.replaceChildren(form());
    const words = el("p", { role: "status", tabindex: "-1" }, t(status === "waiting" ? "appeal.waiting" : "appeal.kept"));
    state.replaceChildren(words, ...(answer ? [el("p", { class: "muted" }, `“${answer}”`)] : []));
    return words;
  };
  function form() {
    const text = el("textarea", { id: `appeal-${id}`, maxlength: 1_000, rows: 3, required: true });
    const made = el("form", {}, el("div", { class: "field" }, el("label", { for: `appeal-${id}` }, t("appeal.text")), text), el("button", { type: "submit", class: "button quiet" }, t("appeal.submit")));
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await attempt(() => client.request("POST", `/sanctions/${id}/appeal`, { text: text.value.trim() }), t("appeal.sent"), "appeal")) show("waiting").focus();
    });
    return made;
  }
  show(appeal);
  const what = kind === "ban" ? t("community.banned") : until ? t("room.state.timeout", { when: dateTime(until) }) : t("room.state.timeoutOpen");
  return el("div", { class: "box appeal", id: "appeal" }, el("h2", {}, what), reason && el("p", { class: "muted" }, t("room.state.reason", { reason })), state);
}
