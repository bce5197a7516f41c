import { client } from "../client.js";
import { ask, field } from "../dialogs.js";
import { $, announce, el } from "../dom.js";
import { emptyBox } from "../lists.js";
import { follow } from "../live.js";
import { reword } from "../rewording.js";
import { insteadOf, newId, postText, votes } from "../posts.js";
import { describe, problemBox } from "../problems.js";
import { may } from "../ranks.js";
import { attempt } from "../room/moderating.js";
import { counted, dateTime, t, timeElement } from "../texts.js";
import { toast } from "../toast.js";

const [, , communityId, , id] = location.pathname.split("/");
const asked = Number(new URLSearchParams(location.search).get("comment")) || null;
const drawn = new Map(); // comment id → {comment, node, draw}
let role = null;
let sort = "best";
let waiting = [];

async function show() {
  try {
    const around = client.request("GET", `/communities/${communityId}`);
    around.catch(() => {}); // it is waited for below
    const { data } = await client.request("GET", `/discussions/${id}`);
    // an address may name another community than the discussion's
    if (data.community_id !== Number(communityId)) return location.replace(`/communities/${data.community_id}/discussions/${id}${location.search}`);
    const { data: community } = await around;
    role = community.role;
    document.title = document.title.replace(t("discussion.title"), data.title || t("discussion.title"));
    drawDiscussion(data);
    $("#comments-part").hidden = false;
    showTimeout();
    await reload();
    if (asked) await showAsked();
    const from = { epoch: data.epoch, seq: data.head_seq }; // of before the comments: what came meanwhile is told
    follow(`discussion:${id}`, "join-discussion", { discussion_id: Number(id) }, { event: arrive, begin: anew }, from);
  } catch (error) {
    if (error.code === "BANNED") $("#discussion").replaceChildren(sanctioned(el("h1", {}, t("community.banned")), error.details?.reason));
    else $("#discussion").replaceChildren(error.code === "NOT_FOUND" ? emptyBox("notFound.title", "problem.notFound", { level: "h1" }) : problemBox(error, () => location.reload(), "room"));
  } finally {
    $("#discussion").removeAttribute("aria-busy");
  }
}

let discussion = null;

/** Too much was missed to be told one by one. */
function anew(reply) {
  role = reply.role;
  drawDiscussion(reply.discussion);
  attempt(reload);
}

/** What keeps one from writing, with the way to the page where one may write a note to it. */
const sanctioned = (words, reason) =>
  el("div", { class: "sanctioned", role: "alert" }, words, reason && el("p", {}, t("room.state.reason", { reason })), el("a", { href: `/communities/${communityId}#appeal` }, t("sanction.more")));

let timedOut = false;

/** Who is timed out only reads: the boxes give way to why, and until when. */
async function showTimeout() {
  const { data } = await client.request("GET", `/communities/${communityId}/sanctions/me`).catch(() => ({ data: [] }));
  const timeout = data.find(({ kind }) => kind === "timeout");
  if (!timeout) return;
  timedOut = true;
  $("#write").hidden = true;
  $("#write").before(sanctioned(el("p", {}, timeout.until ? t("room.state.timeout", { when: dateTime(timeout.until) }) : t("room.state.timeoutOpen")), timeout.reason));
}

let rewording = false; // the discussion itself: its form stays where it is

function drawDiscussion(post) {
  discussion = post;
  $("#write").hidden = timedOut || post.deleted || (post.locked && !may(role, "lock_discussion"));
  if (rewording && !post.deleted) return;
  const vote = votes(post, `/discussions/${id}/vote`, { down: may(role, "vote_down") });
  const body = el("div", {}, el("h1", {}, insteadOf(post) ? t("discussion.title") : post.title), el("p", { class: "muted" }, post.author?.name ?? t("message.gone"), " · ", timeElement(post.created_at)), postText(post));
  const change = () => {
    if (rewording) return;
    rewording = true;
    reword(body, post, () => {
      rewording = false;
      // what came meanwhile stands in `discussion`, what was just saved in `post`
      drawDiscussion({ ...discussion, ...(post.rev >= discussion.rev && { title: post.title, text: post.text, rev: post.rev, edited_at: post.edited_at, mentions: post.mentions, preview: post.preview }) });
    });
  };
  $("#discussion").className = "post";
  $("#discussion").replaceChildren(
    body,
    el("div", { class: "post-end" }, ...(post.deleted ? [] : vote.nodes), ...tools(post, "discussion", `/discussions/${id}`, change)),
    post.locked ? el("p", { class: "muted" }, t("discussion.locked")) : "",
  );
}

/** What may be done to a post that still stands. */
function tools(post, kind, path, change) {
  if (post.deleted) return [];
  const mine = post.author?.id === client.user.id;
  return [
    mine && !post.hidden && action("message.edit", change),
    (mine || may(role, "delete_post")) && action("message.delete", () => remove(kind, path)),
    !mine && action("message.report", () => report(kind, path)),
  ];
}

async function remove(kind, path) {
  if (await ask({ title: t(`${kind}.delete.title`), text: t(`${kind}.delete.text`), submit: t("message.delete"), danger: true })) await attempt(() => client.request("DELETE", path));
}

async function report(kind, path) {
  const answer = await ask({ title: t(`${kind}.report.title`), text: t("report.text"), fields: [field("reason", t("report.reason"), { required: true, maxlength: 500 })], submit: t("message.report") });
  if (answer) await attempt(() => client.request("POST", `${path}/reports`, { reason: answer.reason.trim(), cid: newId() }), t("report.done"));
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
  const draw = () =>
    own.replaceChildren(
      el("div", { class: "comment-head" }, el("b", {}, comment.author?.name ?? t("message.gone")), el("span", { class: "muted" }, timeElement(comment.created_at))),
      postText(comment),
      el(
        "div",
        { class: "post-end" },
        ...(comment.deleted ? [] : vote.nodes),
        !comment.deleted && action("discussion.answer", () => answer(own, comment)),
        ...tools(comment, "comment", `/comments/${comment.comment_id}`, () => reword(own, comment, () => (draw(), own.focus()))),
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
    if (data.status === "held") showHeld(data.id, text, replyTo);
    return true;
  } catch (error) {
    toast({ text: describe(error, "room"), kind: "bad" });
    return false;
  }
}

/** What waits for a moderator stands where it would be, for its writer alone, until the page is left. */
function showHeld(number, text, replyTo) {
  const node = el("li", { class: "comment own-held", data: { id: number } }, el("div", { class: "comment-head" }, el("b", {}, client.user.display_name ?? ""), el("span", { class: "muted" }, t("comment.held"))), el("div", { class: "post-text" }, text));
  const parent = drawn.get(replyTo);
  (parent?.children ?? $("#comments .comments"))[parent ? "append" : "prepend"](node);
  toast({ text: t("discussions.held") });
}

/** What others say waits behind a button, so that nothing moves under the eyes; one's own stands there at once. */
function arrive(event) {
  const { type, data, actor, at } = event;
  if (type === "comment-created") {
    if (drawn.has(data.comment_id)) return;
    const comment = { ...data, author: actor ?? null, created_at: at, my_vote: null, children: [], next_cursor: null };
    if (actor?.id === client.user.id) {
      $(`.own-held[data-id="${data.comment_id}"]`)?.remove(); // it was let through
      put(comment);
    } else {
      waiting.push(comment);
      $("#fresh").hidden = false;
      $("#fresh").textContent = counted("discussion.fresh", waiting.length);
    }
    return;
  }
  const found = data.comment_id ? drawn.get(data.comment_id) : null;
  if (type === "comment-edited" && found) Object.assign(found.comment, data);
  else if (type === "comment-deleted" && found) Object.assign(found.comment, { text: "", deleted: true, hidden: false, preview: null });
  else if (type === "votes-changed") {
    const { score, ups, downs } = data;
    if (found) Object.assign(found.comment, { score, ups, downs });
    else if (!data.comment_id) drawDiscussion({ ...discussion, score, ups, downs });
  } else if (type === "discussion-edited" && data.text !== null) drawDiscussion({ ...discussion, ...data });
  else if (type === "discussion-deleted") drawDiscussion({ ...discussion, title: "", text: "", deleted: true, hidden: false, preview: null });
  else if (type === "post-preview-changed") {
    if (found) found.comment.preview = data.preview;
    else if (!data.comment_id) drawDiscussion({ ...discussion, preview: data.preview });
  } else if (type === "discussion-state-changed") drawDiscussion({ ...discussion, locked: data.locked, pinned: data.pinned });
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
