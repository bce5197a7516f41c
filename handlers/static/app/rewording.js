/** @file Changing a discussion or a comment where it stands, and what to do where it was changed elsewhere meanwhile. */
import { client } from "./client.js";
import { el } from "./dom.js";
import { newId } from "./posts.js";
import { describe } from "./problems.js";
import { encodeMentions } from "./room/composer.js";
import { t } from "./texts.js";
import { toast } from "./toast.js";

const LONGEST = { title: 150, discussion: 10_000, comment: 4_000 };

/**
 * Puts a form into `place`.
 * @param {HTMLElement} place whose children give way to it
 * @param {{discussion_id: number, comment_id?: number, title?: string, text: string, rev: number, mentions: object[]}} post as it is shown
 * @param {() => void} end draws the post again, as it is by then
 */
export function reword(place, post, end) {
  const comment = "comment_id" in post;
  const path = comment ? `/comments/${post.comment_id}` : `/discussions/${post.discussion_id}`;
  let { rev } = post;
  const title = comment ? null : el("input", { maxlength: LONGEST.title, required: true, "aria-label": t("discussions.subject") });
  const text = el("textarea", { maxlength: comment ? LONGEST.comment : LONGEST.discussion, rows: comment ? 3 : 8, "aria-label": t("discussions.text") });
  const conflict = el("div", { class: "conflict", role: "alert" });
  const save = el("button", { type: "submit", class: "button small" }, t("message.save"));
  const cancel = el("button", { type: "button", class: "button small quiet", on: { click: end } }, t("message.cancel"));
  const form = el("form", { class: "post-form rewording" }, title, text, conflict, el("div", { class: "edit-end" }, cancel, save));
  const named = new Map();

  const fill = (from) => {
    for (const { id, name } of from.mentions ?? []) named.set(`@${name}`, id);
    if (title) title.value = from.title;
    text.value = from.text.replace(/<@([1-9][0-9]{0,18})>/g, (whole, id) => {
      const person = from.mentions?.find((one) => String(one.id) === id);
      return person ? `@${person.name}` : whole;
    });
  };

  const now = async () => {
    const { data } = await client.request("GET", path);
    return comment ? data.comment : data;
  };

  /** What stands there now is shown beside what was written, and neither is lost. */
  const meet = async () => {
    const other = await now();
    if (other.deleted) return end();
    rev = other.rev;
    const take = el("button", { type: "button", class: "link-button" }, t("edit.conflict.theirs"));
    take.addEventListener("click", () => {
      fill(other);
      conflict.replaceChildren();
      text.focus();
    });
    conflict.replaceChildren(
      el("p", {}, el("b", {}, t("edit.conflict"))),
      el("blockquote", {}, title && el("b", {}, other.title), el("div", {}, other.text)),
      el("p", { class: "muted" }, t("edit.conflict.text"), " ", take),
    );
    save.textContent = t("edit.conflict.mine");
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = { text: encodeMentions(text.value.trim(), named)[0], ...(title && { title: title.value.trim() }) };
    if (!words.text || (title && !words.title)) return;
    save.disabled = true;
    try {
      await client.request("PATCH", path, { ...words, rev, cid: newId() });
      Object.assign(post, await now());
      end();
    } catch (error) {
      if (error.code === "CONFLICT") await meet().catch((failure) => toast({ text: describe(failure, "edit"), kind: "bad" }));
      else toast({ text: describe(error, "edit"), kind: "bad" });
    } finally {
      save.disabled = false;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    end();
  });
  fill(post);
  place.replaceChildren(form);
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
}
