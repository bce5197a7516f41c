import { client } from "../client.js";
import { $, el } from "../dom.js";
import { problemBox } from "../problems.js";
import { myRequest, requestState } from "../requests.js";
import { attempt } from "../room/moderating.js";
import { t } from "../texts.js";

const code = decodeURIComponent(location.pathname.split("/")[2]);
const box = $("#invite");

async function show() {
  try {
    const { data } = await client.request("GET", `/invites/${encodeURIComponent(code)}`);
    const asked = data.approval && !data.member ? await myRequest(data.community_id).catch(() => null) : null;
    const state = ["waiting", "refused"].includes(asked?.status) ? el("div", { class: "gate" }, ...requestState(asked, show)) : null;
    const open = el("a", { class: "button wide", href: `/communities/${data.community_id}` }, t("invite.open"));
    const input = el("textarea", { id: "ask", maxlength: 300, rows: 2 });
    const form = el("form", {}, data.approval && el("div", { class: "field" }, el("label", { for: "ask" }, t("community.ask.text")), input), el("button", { type: "submit", class: "button wide" }, t("invite.accept")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      let answer = null;
      await attempt(async () => (answer = (await client.request("POST", `/invites/${encodeURIComponent(code)}`, { text: input.value.trim() })).data));
      if (answer?.member) location.assign(`/communities/${answer.community_id}`);
      else if (answer) await show();
    });
    const parts = [
      el("h1", {}, t("invite.to", { name: data.name })),
      data.description && el("p", { class: "lead" }, data.description),
      data.rules && el("p", { class: "own-rules" }, data.rules),
      data.approval && !data.member && el("p", { class: "muted" }, t("invite.approval")),
      data.member ? open : (state ?? form),
    ];
    box.replaceChildren(...parts.filter(Boolean));
  } catch (error) {
    const gone = ["NOT_FOUND", "GONE", "INVALID"].includes(error.code);
    box.replaceChildren(gone ? el("div", { class: "gate" }, el("h1", {}, t("invite.title")), el("p", { class: "muted" }, t("invite.bad"))) : problemBox(error, show, "room"));
  } finally {
    box.removeAttribute("aria-busy");
  }
}

if (client.user) show();
