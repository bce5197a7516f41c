import { client } from "../client.js";
import { ask } from "../dialogs.js";
import { $, announce, avatar, el } from "../dom.js";
import { emptyBox } from "../lists.js";
import { MemberList } from "../members.js";
import { describe, problemBox } from "../problems.js";
import { roomLinks } from "../room/rooms.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

const id = location.pathname.split("/")[2];
const box = $("#head");
const members = new MemberList($("#people"), $("#q"), id);

async function show() {
  try {
    const { data: community } = await client.request("GET", `/communities/${id}`);
    const { data: creator } = await client.request("GET", `/creators/${community.creator_id}`).catch(() => ({ data: null }));
    document.title = document.title.replace(t("community.title"), community.name);
    box.replaceChildren(head(community, creator));
    $("#rooms").replaceChildren(...roomLinks(id, community.rooms));
    $("#community").hidden = false;
    members.reload();
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
  if (error.code === "NOT_MEMBER") return el("div", { class: "gate" }, el("h1", {}, t("community.members.closed")));
  return problemBox(error, () => location.reload());
}

if (client.user) show();
