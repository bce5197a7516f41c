/** @file What discussions and comments have in common: text, votes, and a row in a list. */
import { newId } from "../mypick/errors.js";
import { client } from "./client.js";
import { el } from "./dom.js";
import { linkPreview } from "./previews.js";
import { describe } from "./problems.js";
import { renderBody } from "./room/body.js";
import { counted, dateTime, t, timeElement } from "./texts.js";
import { toast } from "./toast.js";

export { newId };

/** What stands where the words of a post are not shown; undefined where they are. */
export function insteadOf(post) {
  const kind = "comment_id" in post ? "comment" : "discussion";
  return post.deleted ? t(`${kind}.deleted`) : post.hidden ? t(`${kind}.hidden`) : undefined;
}

export function postText(post) {
  if (insteadOf(post)) return el("div", { class: "post-text gone" }, insteadOf(post));
  const edited = post.edited_at && el("small", { class: "muted", title: dateTime(post.edited_at) }, ` (${t("message.edited")})`);
  return el("div", { class: "post-text" }, renderBody(post.text, post.mentions, client.user?.id), edited, linkPreview(post.preview));
}

/** Two buttons and a number: they change at once, and back if the server refuses. */
export function votes(post, path, { down = true } = {}) {
  const score = el("span", { class: "score" });
  const buttons = {};
  const draw = () => {
    score.textContent = String(post.score);
    score.setAttribute("aria-label", t("discussion.score", { count: post.score }));
    for (const [word, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(post.my_vote === word));
  };
  const vote = async (word) => {
    const before = { score: post.score, my_vote: post.my_vote };
    const worth = { up: 1, down: -1 };
    post.my_vote = before.my_vote === word ? null : word;
    post.score += (worth[post.my_vote] ?? 0) - (worth[before.my_vote] ?? 0);
    draw();
    try {
      const { data } = await client.request("POST", path, { vote: post.my_vote ?? "none" });
      post.score = data.score;
    } catch (error) {
      Object.assign(post, before);
      toast({ text: describe(error, "room"), kind: "bad" });
    }
    draw();
  };
  for (const [word, sign] of [["up", "▲"], ["down", "▼"]]) {
    if (word === "down" && !down) continue;
    buttons[word] = el("button", { type: "button", class: "vote", "aria-label": t(`discussion.${word}`), on: { click: () => vote(word) } }, sign);
  }
  draw();
  return { nodes: [buttons.up, score, buttons.down ?? null], draw };
}

export function discussionRow(post) {
  return el(
    "li",
    { class: "post-row", data: { id: post.discussion_id } },
    el("span", { class: "score", "aria-label": t("discussion.score", { count: post.score }) }, String(post.score)),
    el(
      "div",
      { class: "grow" },
      el("a", { href: `/communities/${post.community_id}/discussions/${post.discussion_id}` }, insteadOf(post) ?? post.title),
      el("div", { class: "muted" }, post.author?.name ?? t("message.gone"), " · ", counted("discussions.comments", post.comments), " · ", timeElement(post.last_at), post.pinned ? ` · ${t("message.pinned")}` : ""),
    ),
    post.unread > 0 && el("span", { class: "unread" }, String(post.unread)),
  );
}
