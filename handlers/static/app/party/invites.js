/** @file Asking people to come: a link to pass on, and members of the community by name. */
import { client } from "../client.js";
import { avatar, el, icon } from "../dom.js";
import { describe } from "../problems.js";
import { dateTime, t } from "../texts.js";
import { toast } from "../toast.js";
import { attempt } from "./attempt.js";

/** Asked for so long after the last key, ms. */
const QUIET_MS = 250;
const FOUND = 8;

/** @param {object} party as the server shows it @param {number | null} communityId whose members can be found by name */
export function openInvites(party, communityId) {
  const open = party.visibility === "public";
  const path = `/watch-parties/${party.id}/invites`;
  const rows = el("ul", { class: "rows invite-rows" });
  const leave = el("button", { type: "button", class: "button quiet" }, t("state.close"));
  const make = el("button", { type: "button", class: "button small" }, icon("add"), t("party.invite.new"));
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "invites-title" },
    el("form", { method: "dialog" }, el("h2", { id: "invites-title" }, t("party.invite.title")), el("p", { class: "muted" }, t(open ? "party.invite.public" : "party.invite.text")), open && line(location.origin + location.pathname), !open && rows, !open && make, communityId !== null && people(party.id, communityId), el("div", { class: "dialog-end" }, leave)),
  );
  const focused = document.activeElement;
  const read = () => attempt(async () => rows.replaceChildren(...(await client.request("GET", path)).data.filter((one) => one.open).map((one) => row(one, revoke))));
  const revoke = (invite) => attempt(() => client.request("DELETE", `${path}/${invite.id}`)).then(read);
  make.addEventListener("click", () => attempt(() => client.request("POST", path, {})).then(read));
  leave.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (focused?.isConnected) focused.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  if (!open) read();
}

function line(address, extra = null) {
  const input = el("input", { type: "text", readonly: true, value: address, "aria-label": t("party.invite.link"), on: { focus: () => input.select() } });
  const copy = el("button", { type: "button", class: "button quiet small" }, icon("link"), t("party.invite.copy"));
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address);
      toast({ text: t("party.invite.copied"), kind: "good" });
    } catch {
      input.focus(); // the browser forbids it: the person copies what is selected
    }
  });
  return el("div", { class: "invite-line" }, input, copy, extra);
}

function row(invite, revoke) {
  const button = el("button", { type: "button", class: "link-button", on: { click: () => revoke(invite) } }, t("party.invite.revoke"));
  return el("li", { class: "row" }, el("div", { class: "grow" }, line(location.origin + invite.url), el("div", { class: "muted" }, t("party.invite.uses", { uses: invite.uses, max: invite.max_uses, when: dateTime(invite.expires_at) }))), button);
}

function people(partyId, communityId) {
  const input = el("input", { id: "invite-name", type: "search", maxlength: 50, autocomplete: "off" });
  const found = el("ul", { class: "rows", "aria-live": "polite" });
  const says = (text) => found.replaceChildren(el("li", { class: "muted pad" }, text));
  const send = async (user, button) => {
    const answer = await attempt(() => client.request("POST", `/watch-parties/${partyId}/invites/people`, { user_ids: [user.id] }));
    if (!answer) return;
    const came = answer.data.user_ids.includes(user.id);
    button.disabled = true;
    toast({ text: t(came ? "party.invite.sent" : "party.invite.notSent", { name: user.name }), kind: came ? "good" : "bad" });
  };
  const show = async () => {
    const q = input.value.trim();
    if (!q) return found.replaceChildren();
    const answer = await client.request("GET", `/communities/${communityId}/members`, null, { query: { q, limit: FOUND } }).catch((error) => ({ error }));
    if (input.value.trim() !== q) return; // typed on meanwhile
    if (answer.error) return says(describe(answer.error, "party"));
    const others = answer.data.filter(({ user }) => user.id !== client.user.id);
    if (!others.length) return says(t("party.invite.nobody", { name: q }));
    found.replaceChildren(
      ...others.map(({ user }) => {
        const button = el("button", { type: "button", class: "button small" }, t("party.invite.send"), el("span", { class: "visually-hidden" }, ` ${user.name}`));
        button.addEventListener("click", () => send(user, button));
        return el("li", { class: "row" }, avatar(user.name, user.avatar_url, "small"), el("b", { class: "grow" }, user.name), button);
      }),
    );
  };
  let timer = null;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, QUIET_MS);
  });
  input.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  return el("div", { class: "field" }, el("label", { for: "invite-name" }, t("party.invite.friend")), input, found);
}
