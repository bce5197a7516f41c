import { ownSanctions } from "../appeals.js";
import { client } from "../client.js";
import { ask, field } from "../dialogs.js";
import { $, announce, avatar, el } from "../dom.js";
import { PagedList, emptyBox } from "../lists.js";
import { MemberList } from "../members.js";
import { describe, problemBox } from "../problems.js";
import { discussionRow, newId } from "../posts.js";
import { may } from "../ranks.js";
import { askToJoin, myRequest, requestState } from "../requests.js";
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
    const [{ data: creator }, { data: about }] = await Promise.all([
      client.request("GET", `/creators/${community.creator_id}`).catch(() => ({ data: null })),
      client.request("GET", `/communities/${id}/about`),
    ]);
    document.title = document.title.replace(t("community.title"), community.name);
    box.replaceChildren(head(community, creator, about)); // whole, so that nothing below it moves
    $("#rooms").replaceChildren(...roomLinks(id, community.rooms));
    $("#own-rules").hidden = !about.rules;
    $("#own-rules").textContent = about.rules;
    $("#community").hidden = false;
    members.reload();
    discussions.reload();
    // where a notification of a timeout leads to
    if (location.hash === "#appeal") box.append(...(await ownSanctions(id)).boxes);
  } catch (error) {
    $("#community").hidden = true;
    box.replaceChildren(await closed(error));
  } finally {
    box.removeAttribute("aria-busy");
  }
}

function head(community, creator, about) {
  return el(
    "div",
    { class: "creator-head" },
    avatar(community.name, creator?.avatar_url, "big"),
    el(
      "div",
      { class: "grow" },
      el("h1", {}, community.name),
      about.description && el("p", { class: "description" }, about.description),
      el(
        "div",
        { class: "facts" },
        el("span", { class: "muted" }, t(`community.${community.visibility}`)),
        creator && el("a", { href: `/creators/${creator.id}` }, t("community.of", { name: creator.name })),
        community.role && el("span", { class: `role role-${community.role}` }, t(`role.${community.role}`)),
        ...tools(community, about),
      ),
    ),
    membership(community),
  );
}

/** What moderators and managers find here, and the creator whose community it is. */
function tools({ role }, about) {
  const button = (word, run) => el("button", { type: "button", class: "link-button", on: { click: run } }, t(word));
  return [
    may(role, "read_desk") && el("a", { href: `/communities/${id}/desk` }, t("community.desk")),
    may(role, "invite") && button("community.invite", invite),
    may(role, "read_terms") && el("a", { href: `/communities/${id}/manage` }, t("community.manage")),
    !about.claimed && !may(role, "transfer") && el("a", { href: `/communities/${id}/manage#ownership` }, t("community.claim")),
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

/** What stands in the place of a community that one may not read; also of a private one that one asked to come into. */
async function closed(error) {
  if (error.code === "BANNED") {
    const reason = error.details?.reason;
    const { name, boxes } = await ownSanctions(id).catch(() => ({ boxes: [] }));
    if (name) document.title = document.title.replace(t("community.title"), name);
    if (boxes.length) return el("div", { class: "narrow" }, el("h1", {}, name), ...boxes);
    return el("div", { class: "gate", role: "alert" }, el("h1", {}, t("community.banned")), reason && el("p", { class: "muted" }, t("room.state.reason", { reason })));
  }
  if (error.code !== "NOT_MEMBER" && error.code !== "NOT_FOUND") return problemBox(error, () => location.reload());
  const request = await myRequest(id).catch(() => null);
  if (error.code === "NOT_FOUND" && !["waiting", "refused"].includes(request?.status)) return emptyBox("notFound.title", "problem.notFound", { level: "h1" });
  const again = async () => {
    await show();
    $("#head button")?.focus();
  };
  const asking = async () => (await askToJoin(id)) && again();
  const may = error.code === "NOT_MEMBER" && request?.status !== "waiting";
  return el(
    "div",
    { class: "gate" },
    el("h1", {}, t("community.members.closed")),
    ...requestState(request, again),
    may && el("button", { type: "button", class: "button", on: { click: asking } }, t("community.ask")),
    error.code === "NOT_MEMBER" && el("a", { href: `/communities/${id}/manage#ownership` }, t("community.claim")),
  );
}

if (client.user) show();
