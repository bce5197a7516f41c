import { client } from "../client.js";
import { ask, choice, field } from "../dialogs.js";
import { $, announce, avatar, el } from "../dom.js";
import { PagedList, emptyBox } from "../lists.js";
import { MemberList } from "../members.js";
import { describe, problemBox } from "../problems.js";
import { discussionRow, newId } from "../posts.js";
import { may } from "../ranks.js";
import { attempt } from "../room/moderating.js";
import { roomLinks } from "../room/rooms.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

const id = location.pathname.split("/")[2];
const box = $("#head");
const members = new MemberList($("#people"), $("#q"), id);

let sort = "hot";
const discussions = new PagedList($("#discussions"), {
  class: "posts",
  load: async (cursor, signal) => {
    const answer = await client.request("GET", `/communities/${id}/discussions`, null, { query: { sort, cursor, limit: 20 }, signal });
    return { ...answer, data: answer.data.map((post) => ({ id: post.discussion_id, ...post })) };
  },
  draw: discussionRow,
  empty: () => el("p", { class: "muted" }, t("discussions.empty")),
});

async function show() {
  try {
    const { data: community } = await client.request("GET", `/communities/${id}`);
    const { data: creator } = await client.request("GET", `/creators/${community.creator_id}`).catch(() => ({ data: null }));
    document.title = document.title.replace(t("community.title"), community.name);
    box.replaceChildren(head(community, creator));
    $("#rooms").replaceChildren(...roomLinks(id, community.rooms));
    $("#community").hidden = false;
    members.reload();
    discussions.reload();
    const { data: about } = await client.request("GET", `/communities/${id}/about`);
    $("#own-rules").hidden = !about.rules;
    $("#own-rules").textContent = about.rules;
    if (about.description) $("#head h1").after(el("p", { class: "description" }, about.description));
    $("#head .facts").append(...tools(community, about));
  } catch (error) {
    $("#community").hidden = true;
    box.replaceChildren(closed(error));
  } finally {
    box.removeAttribute("aria-busy");
  }
}

function head(community, creator) {
  return el(
    "div",
    { class: "creator-head" },
    avatar(community.name, creator?.avatar_url, "big"),
    el(
      "div",
      { class: "grow" },
      el("h1", {}, community.name),
      el(
        "div",
        { class: "facts" },
        el("span", { class: "muted" }, t(`community.${community.visibility}`)),
        creator && el("a", { href: `/creators/${creator.id}` }, t("community.of", { name: creator.name })),
        community.role && el("span", { class: `role role-${community.role}` }, t(`role.${community.role}`)),
      ),
    ),
    membership(community),
  );
}

/** What moderators and managers find here. */
function tools({ role }, about) {
  const button = (word, run) => el("button", { type: "button", class: "link-button", on: { click: run } }, t(word));
  return [
    may(role, "read_desk") && el("a", { href: `/communities/${id}/desk` }, t("community.desk")),
    may(role, "invite") && button("community.invite", invite),
    may(role, "settings") && button("community.settings", () => change(about)),
  ].filter(Boolean);
}

async function invite() {
  const number = (name, key, value, max) => field(name, t(key), { type: "number", min: 1, max, value, required: true });
  const answer = await ask({ title: t("community.invite"), fields: [number("max_uses", "community.invite.uses", 10, 1000), number("hours", "community.invite.hours", 168, 8760)], submit: t("community.invite") });
  if (!answer) return;
  await attempt(async () => {
    const { data } = await client.request("POST", `/communities/${id}/invites`, { max_uses: Number(answer.max_uses), hours: Number(answer.hours) });
    $(".made")?.remove();
    $("#head").append(el("p", { role: "status" }, t("community.invite.made"), " ", el("code", { class: "made" }, `${location.origin}/invites/${data.code}`)));
  });
}

async function change(about) {
  const long = (name, key, max) => {
    const input = el("textarea", { id: `dialog-${name}`, name, maxlength: max, rows: 3 });
    input.value = about[name];
    return el("div", { class: "field" }, el("label", { for: `dialog-${name}` }, t(key)), input);
  };
  const visibility = choice("visibility", t("community.settings.visibility"), ["public", "members", "private"].map((one) => [one, t(`community.${one}`)]));
  visibility.querySelector("select").value = about.visibility;
  const fields = [field("name", t("community.settings.name"), { value: about.name, required: true, maxlength: 100 }), visibility, long("description", "community.settings.description", 500), long("rules", "community.settings.rules", 4000)];
  const answer = await ask({ title: t("community.settings"), fields, submit: t("message.save") });
  if (answer && (await attempt(() => client.request("PATCH", `/communities/${id}/about`, answer), t("settings.saved")))) show();
}

/** A community that is not public is asked whether one may come in. */
async function askToJoin() {
  const answer = await ask({ title: t("community.ask"), fields: [field("text", t("community.ask.text"), { maxlength: 300 })], submit: t("community.ask") });
  if (answer) await attempt(() => client.request("POST", `/communities/${id}/requests`, { text: answer.text.trim() }), t("community.asked"));
}

$("#begin").addEventListener("click", async () => {
  const text = el("textarea", { id: "dialog-text", name: "text", maxlength: 10_000, rows: 6, required: true });
  const fields = [field("title", t("discussions.subject"), { maxlength: 150, required: true }), el("div", { class: "field" }, el("label", { for: "dialog-text" }, t("discussions.text")), text)];
  const answer = await ask({ title: t("discussions.new"), fields, submit: t("discussions.new") });
  if (!answer) return;
  await attempt(async () => {
    const { data } = await client.request("POST", `/communities/${id}/discussions`, { cid: newId(), title: answer.title.trim(), text: answer.text.trim() });
    if (data.status === "held") toast({ text: t("discussions.held") });
    else location.assign(`/communities/${id}/discussions/${data.id}`);
  });
});
for (const button of document.querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () => {
    sort = button.dataset.sort;
    for (const other of document.querySelectorAll("[data-sort]")) other.setAttribute("aria-pressed", String(other === button));
    discussions.reload();
  });
}

function membership({ name, role }) {
  if (role === "admin") return null;
  const joined = role !== null;
  const button = el("button", { type: "button", class: joined ? "button quiet" : "button" }, t(joined ? "community.leave" : "community.join"));
  button.addEventListener("click", async () => {
    if (joined && !(await ask({ title: t("community.leave.title", { name }), text: t("community.leave.text"), submit: t("community.leave"), danger: true }))) return;
    button.disabled = true;
    try {
      await client.request(joined ? "DELETE" : "POST", `/communities/${id}/members/me`);
      announce(t(joined ? "community.left" : "community.joined"));
      await show();
      $("#head button")?.focus();
    } catch (error) {
      toast({ text: describe(error, joined ? "leave" : "room"), kind: "bad" });
      button.disabled = false;
    }
  });
  return button;
}

function closed(error) {
  if (error.code === "NOT_FOUND") return emptyBox("notFound.title", "problem.notFound", { level: "h1" });
  if (error.code === "BANNED") {
    const reason = error.details?.reason;
    return el("div", { class: "gate", role: "alert" }, el("h1", {}, t("community.banned")), reason && el("p", { class: "muted" }, t("room.state.reason", { reason })));
  }
  if (error.code === "NOT_MEMBER") return el("div", { class: "gate" }, el("h1", {}, t("community.members.closed")), el("button", { type: "button", class: "button", on: { click: askToJoin } }, t("community.ask")));
  return problemBox(error, () => location.reload());
}

if (client.user) show();
