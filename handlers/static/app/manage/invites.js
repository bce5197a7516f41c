/** @file Codes that let people in: made, copied, revoked, and how often each was used. */
import { client } from "../client.js";
import { ask } from "../dialogs.js";
import { $, el } from "../dom.js";
import { wireForm } from "../forms.js";
import { PagedList } from "../lists.js";
import { attempt } from "../room/moderating.js";
import { dateTime, t } from "../texts.js";
import { toast } from "../toast.js";

const address = (code) => `${location.origin}/invites/${code}`;

export function startInvites(place) {
  const list = new PagedList($("#invite-list"), {
    class: "rows",
    load: (cursor, signal) => client.request("GET", `${place.path}/invites`, null, { query: { cursor, limit: 20 }, signal }),
    draw: row,
    empty: () => el("p", { class: "muted" }, t("manage.invites.none")),
  });
  const form = $("#invite-form");
  form.elements.hours.value = "168";
  wireForm(form, {
    situation: "invites",
    send: async (values) => {
      const { data } = await client.request("POST", `${place.path}/invites`, { max_uses: Number(values.max_uses), hours: Number(values.hours) || null, approval: "approval" in values });
      const [made] = list.prepend([data]);
      toast({ text: t("manage.invites.made"), kind: "good" });
      $("button", made).focus();
    },
  });

  function row(invite) {
    const { id, code, max_uses: most, uses, approval, actor, open, rests } = invite;
    const words = [t("manage.invites.used", { uses, most }), state(invite), approval && t("manage.invites.asks"), actor && t("manage.invites.by", { name: actor.name })];
    const drawn = el(
      "li",
      { class: open ? "row member-row" : "row member-row ended", data: { id } },
      el("div", { class: "grow" }, el("code", {}, code), el("div", { class: "muted" }, words.filter(Boolean).join(" · "))),
      (open || rests) &&
        el(
          "div",
          { class: "row-ends" },
          open && el("button", { type: "button", class: "button small", "aria-label": t("manage.invites.copyName", { code }), on: { click: () => copy(code) } }, t("message.copy")),
          el("button", { type: "button", class: "button quiet small danger", "aria-label": t("manage.invites.revokeName", { code }), on: { click: revoke } }, t("manage.invites.revoke")),
        ),
    );
    async function revoke() {
      if (!(await ask({ title: t("manage.invites.revokeName", { code }), text: t("manage.invites.revoke.text"), submit: t("manage.invites.revoke"), danger: true }))) return;
      if (!(await attempt(() => client.request("DELETE", `${place.path}/invites/${id}`), t("manage.invites.revoked"), "invites"))) return;
      drawn.replaceWith(row({ ...invite, open: false, rests: false, revoked_at: new Date().toISOString() }));
      $("#invites-title").focus();
    }
    return drawn;
  }
  return () => list.reload();
}

function state({ open, rests, revoked_at: revoked, uses, max_uses: most, expires_at: ends }) {
  if (rests) return t("manage.invites.state.rests");
  if (revoked) return t("manage.invites.state.revoked");
  if (uses >= most) return t("manage.invites.state.used");
  if (!ends) return t("manage.lasts.always");
  return t(open ? "manage.members.until" : "manage.invites.state.ended", { when: dateTime(ends) });
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(address(code));
    toast({ text: t("message.copied"), kind: "good" });
  } catch {
    await ask({ title: t("community.invite.made"), text: address(code), submit: t("state.close") });
  }
}
