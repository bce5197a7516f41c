import { client } from "../client.js";
import { $, announce, el } from "../dom.js";
import { emptyBox } from "../lists.js";
import { follow } from "../live.js";
import { insteadOf, newId, postText, votes } from "../posts.js";
import { describe, problemBox } from "../problems.js";
import { may } from "../ranks.js";
import { attempt } from "../room/moderating.js";
import { counted, t, timeElement } from "../texts.js";
import { toast } from "../toast.js";

const [, , communityId, , id] = location.pathname.split("/");
const asked = Number(new URLSearchParams(location.search).get("comment")) || null;
const drawn = new Map(); // comment id → {comment, node, draw}
let role = null;
let sort = "best";
let waiting = [];

async function show() {
  try {
    const [{ data }, { data: community }] = await Promise.all([client.request("GET", `/discussions/${id}`), client.request("GET", `/communities/${communityId}`)]);
    role = community.role;
    document.title = document.title.replace(t("discussion.title"), data.title || t("discussion.title"));
    drawDiscussion(data);
    $("#comments-part").hidden = false;
    await reload();
    if (asked) await showAsked();
    follow(`discussion:${id}`, "join-discussion", { discussion_id: Number(id) }, { event: arrive, begin: () => {} });
  } catch (error) {
    $("#discussion").replaceChildren(error.code === "NOT_FOUND" ? emptyBox("notFound.title", "problem.notFound", { level: "h1" }) : problemBox(error, () => location.reload(), "room"));
  } finally {
    $("#discussion").removeAttribute("aria-busy");
  }
}

let discussion = null;

function drawDiscussion(post) {
  discussion = post;
  const vote = votes(post, `/discussions/${id}/vote`, { down: may(role, "vote_down") });
  const mine = post.author?.id === client.user.id;
  $("#discussion").className = "post";
  $("#discussion").replaceChildren(
    el("h1", {}, insteadOf(post) ?? post.title),
    el("p", { class: "muted" }, post.author?.name ?? t("message.gone"), " · ", timeElement(post.created_at)),
    postText(post),
    el("div", { class: "post-end" }, ...vote.nodes, (mine || may(role, "delete_post")) && !post.deleted && action("message.delete", () => attempt(() => client.request("DELETE", `/discussions/${id}`)))),
    post.locked ? el("p", { class: "muted" }, t("discussion.locked")) : "",
  );
  $("#write").hidden = post.deleted || (post.locked && !may(role, "lock_discussion"));
}

const action = (word, run) => el("button", { type: "button", class: "link-button", on: { click: run } }, t(word));

async function reload() {
  drawn.clear();
  waiting = [];
  $("#fresh").hidden = true;
  const list = el("ol", { class: "comments" });
  $("#comments").replaceChildren(list);
  await more(list, `/discussions/${id}/comments`, null);
}

async function more(list, path, cursor) {
  const { data, pagination } = await client.request("GET", path, null, { query: { sort: path.endsWith("/replies") ? undefined : sort, cursor } });
  for (const comment of data) if (!drawn.has(comment.comment_id)) list.append(drawComment(comment));
  if (pagination?.next_cursor) list.append(moreButton(list, path, pagination.next_cursor));
}

function moreButton(list, path, cursor, count = "") {
  const item = el("li", {});
  const button = el("button", { type: "button", class: "link-button" }, count ? t("discussion.more", { count }) : t("state.more"));
  button.addEventListener("click", async () => {
    if (await attempt(() => more(list, path, cursor))) item.remove();
  });
  item.append(button);
  return item;
}

function drawComment(comment) {
  const vote = votes(comment, `/comments/${comment.comment_id}/vote`, { down: may(role, "vote_down") });
  const own = el("div", { class: "comment-own", tabindex: "-1" });
  const children = el("ol", { class: "comments" });
  const node = el("li", { class: "comment", data: { id: comment.comment_id } }, own, children);
  const mine = comment.author?.id === client.user.id;
  const draw = () =>
    own.replaceChildren(
      el("div", { class: "comment-head" }, el("b", {}, comment.author?.name ?? t("message.gone")), el("span", { class: "muted" }, timeElement(comment.created_at))),
      postText(comment),
      el(
        "div",
        { class: "post-end" },
        ...vote.nodes,
        !comment.deleted && action("discussion.answer", () => answer(own, comment)),
        (mine || may(role, "delete_post")) && !comment.deleted && action("message.delete", () => attempt(() => client.request("DELETE", `/comments/${comment.comment_id}`))),
      ),
    );
  draw();
  drawn.set(comment.comment_id, { comment, node, children, draw: () => (vote.draw(), draw()) });
  for (const child of comment.children ?? []) if (!drawn.has(child.comment_id)) children.append(drawComment(child));
  const left = comment.replies - (comment.children?.length ?? 0);
  if (left > 0) children.append(moreButton(children, `/comments/${comment.comment_id}/replies`, comment.next_cursor, left));
  return node;
}

function answer(own, comment) {
  if ($(".post-form", own)) return;
  const input = el("textarea", { maxlength: 4000, rows: 2, "aria-label": t("discussion.answer") });
  const form = el("form", { class: "post-form" }, input, el("button", { type: "submit", class: "button small" }, t("room.send")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send(input, comment.comment_id)) form.remove();
  });
  own.append(form);
  input.focus();
}

async function send(input, replyTo) {
  const text = input.value.trim();
  if (!text) return false;
  input.dataset.cid ??= newId(); // pressed twice it is said once
  try {
    const { data } = await client.request("POST", `/discussions/${id}/comments`, { cid: input.dataset.cid, text, reply_to: replyTo });
    delete input.dataset.cid;
    input.value = "";
    if (data.status === "held") toast({ text: t("discussions.held") });
    return true;
  } catch (error) {
    toast({ text: describe(error, "room"), kind: "bad" });
    return false;
  }
}

/** What others say waits behind a button, so that nothing moves under the eyes; one's own stands there at once. */
function arrive(event) {
  const { type, data, actor, at } = event;
  if (type === "comment-created") {
    if (drawn.has(data.comment_id)) return;
    const comment = { ...data, author: actor ?? null, created_at: at, my_vote: null, children: [], next_cursor: null };
    if (actor?.id === client.user.id) put(comment);
    else {
      waiting.push(comment);
      $("#fresh").hidden = false;
      $("#fresh").textContent = counted("discussion.fresh", waiting.length);
    }
    return;
  }
  const found = data.comment_id ? drawn.get(data.comment_id) : null;
  if (type === "comment-edited" && found) Object.assign(found.comment, data);
  else if (type === "comment-deleted" && found) Object.assign(found.comment, { text: "", deleted: true });
  else if (type === "votes-changed") {
    const { score, ups, downs } = data;
    if (found) Object.assign(found.comment, { score, ups, downs });
    else if (!data.comment_id) drawDiscussion({ ...discussion, score, ups, downs });
  } else if (type === "discussion-edited" && data.text !== null) drawDiscussion({ ...discussion, ...data });
  else if (type === "discussion-deleted") drawDiscussion({ ...discussion, title: "", text: "", deleted: true });
  else if (type === "discussion-state-changed") drawDiscussion({ ...discussion, locked: data.locked, pinned: data.pinned });
  if (found && !found.node.querySelector(":scope > .comment-own textarea")) found.draw();
}

function put(comment) {
  const parent = drawn.get(comment.parent_id);
  (parent?.children ?? $("#comments .comments"))[parent ? "append" : "prepend"](drawComment(comment));
}

async function showAsked() {
  const { data } = await client.request("GET", `/comments/${asked}`).catch(() => ({ data: null }));
  if (!data) return;
  for (const comment of [...data.ancestors, data.comment]) if (!drawn.has(comment.comment_id)) put({ children: [], ...comment, replies: comment.children?.length ?? 0 });
  const { node } = drawn.get(asked);
  node.classList.add("marked");
  node.scrollIntoView({ block: "center" });
  node.querySelector(".comment-own").focus({ preventScroll: true });
}

$("#fresh").addEventListener("click", () => {
  const fresh = waiting;
  waiting = [];
  $("#fresh").hidden = true;
  for (const comment of fresh) put(comment);
  const { node } = drawn.get(fresh.at(-1).comment_id);
  node.scrollIntoView({ block: "center" });
  node.querySelector(".comment-own").focus({ preventScroll: true });
  announce(counted("discussions.comments", fresh.length));
});
$("#write").addEventListener("submit", (event) => {
  event.preventDefault();
  send($("#comment"), null);
});
for (const button of document.querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () => {
    sort = button.dataset.sort;
    for (const other of document.querySelectorAll("[data-sort]")) other.setAttribute("aria-pressed", String(other === button));
    attempt(reload);
  });
}
if (client.user) show();
