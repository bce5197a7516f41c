/** @file A creator takes the community over: a code on their own channel proves who they are. */
import { client } from "../client.js";
import { $, el, webAddress } from "../dom.js";
import { problemBox } from "../problems.js";
import { attempt } from "../room/moderating.js";
import { dateTime, t } from "../texts.js";
import { outside, toast } from "../toast.js";

export function startClaim(place) {
  const box = $("#claim");
  box.hidden = false;

  async function refresh() {
    try {
      const { data } = await client.request("GET", "/claims", null, { query: { community_id: place.id } });
      show(data.find(({ user }) => user?.id === client.user.id) ?? null);
    } catch (error) {
      box.replaceChildren(problemBox(error, refresh, "claim"));
    }
  }

  function show(claim) {
    const open = claim?.status === "waiting" && Date.parse(claim.expires_at) > Date.now();
    box.replaceChildren(el("h3", { tabindex: "-1" }, t("manage.claim.title")), ...(open ? proof(claim) : begin(claim)));
  }

  function begin(claim) {
    const input = el("textarea", { id: "claim-text", maxlength: 500, rows: 2 });
    const form = el(
      "form",
      {},
      el("div", { class: "field" }, el("label", { for: "claim-text" }, t("manage.claim.text")), input),
      el("button", { type: "submit", class: "button" }, t("manage.claim.submit")),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await attempt(async () => {
        show((await client.request("POST", `${place.path}/claims`, { text: input.value.trim() })).data);
        $("h3", box).focus();
      }, null, "claim");
    });
    const before = claim?.status === "refused" ? t("manage.claim.refused") : claim?.status === "waiting" ? t("manage.claim.ended") : null;
    return [el("p", { class: "muted" }, t("manage.claim.lead")), before && el("p", { class: "notice-line" }, before), form].filter(Boolean);
  }

  function proof({ id, code, channels, expires_at: ends }) {
    const text = el("code", {}, code);
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(code);
        toast({ text: t("settings.keys.copied"), kind: "good" });
      } catch {
        getSelection().selectAllChildren(text);
        toast({ text: t("manage.claim.copyFailed"), kind: "bad" });
      }
    };
    const look = el("button", { type: "button", class: "button" }, t("manage.claim.check"));
    look.addEventListener("click", async () => {
      look.disabled = true;
      const done = await attempt(() => client.request("POST", `/claims/${id}/check`), null, "claim");
      look.disabled = false;
      if (done) place.changed(t("manage.claim.accepted"));
      else look.focus();
    });
    const withdraw = async () => {
      await attempt(async () => {
        await client.request("DELETE", `/claims/${id}`);
        show(null);
        $("h3", box).focus();
      }, t("manage.claim.withdrawn"), "claim");
    };
    const links = channels.map((address) => el("li", {}, el("a", { href: webAddress(address) ?? "#", ...outside(address) }, address)));
    return [
      el(
        "ol",
        { class: "steps-list" },
        el("li", {}, t("manage.claim.step1"), el("div", { class: "secret" }, el("div", { class: "secret-line" }, text, el("button", { type: "button", class: "button small", on: { click: copy } }, t("settings.keys.copy")))), el("ul", { class: "links" }, ...links)),
        el("li", {}, t("manage.claim.step2")),
      ),
      el("p", { class: "muted" }, t("manage.claim.until", { when: dateTime(ends) })),
      el("div", { class: "row-ends" }, look, el("button", { type: "button", class: "button quiet", on: { click: withdraw } }, t("manage.claim.withdraw"))),
    ];
  }

  return refresh;
}
