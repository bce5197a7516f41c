/** @file What is said in a party, each with the place of the video at which it was said. */
import { $, avatar, el } from "../dom.js";
import { describe } from "../problems.js";
import { renderBody } from "../room/body.js";
import { clockTime, dateTime, duration, t } from "../texts.js";

/** Rows kept; the oldest go first. */
const MAX_ROWS = 400;
/** Messages of one author within this stand together, ms. */
const TOGETHER_MS = 2 * 60_000;
/** So near the end one reads on as things are said, px. */
const NEAR_PX = 60;

export class Talk {
  #known = new Set();
  #last = null;

  constructor(scroll, list, unsent) {
    Object.assign(this, { scroll, list, unsent });
  }

  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** Begins anew. */
  clear() {
    this.#known.clear();
    this.#last = null;
    this.list.replaceChildren();
  }

  /** Adds a message at the end. Whether it is new. @param {{id: number, at: string, author: object | null, text: string, position_ms: number | null}} message */
  add(message) {
    if (this.#known.has(message.id)) return false;
    this.#known.add(message.id);
    this.#append(this.#row(message));
    this.#last = message;
    return true;
  }

  /** Takes a message away: a moderator has. */
  remove(id) {
    const row = $(`[data-id="${id}"] .message-text`, this.list);
    row?.replaceChildren(el("i", { class: "muted" }, t("message.deleted")));
  }

  /** A line about what happened. */
  note(text) {
    this.#last = null;
    this.#append(el("li", { class: "system" }, text));
  }

  /** What is on its way, or did not arrive. @param {{cid: string, text: string, error: object | null}[]} entries */
  drawUnsent(entries, me, { retry, discard }) {
    const ended = this.atEnd;
    this.unsent.replaceChildren(
      ...entries.map((entry) =>
        el(
          "li",
          { class: `message ${entry.error ? "unsent-failed" : ""}`, data: { cid: entry.cid } },
          el(
            "div",
            { class: "message-line" },
            avatar(me.display_name, me.avatar_url, "small"),
            el(
              "div",
              { class: "grow" },
              el("p", { class: "message-text" }, entry.text),
              el("p", { class: "unsent-state", role: entry.error ? "alert" : null }, entry.error ? t("unsent.failed", { why: describe(entry.error, "party") }) : t("unsent.sending")),
              entry.error && el("div", { class: "unsent-actions" }, ...[["unsent.retry", retry], ["unsent.discard", discard]].map(([word, run]) => el("button", { type: "button", class: "link-button", on: { click: () => run(entry) } }, t(word)))),
            ),
          ),
        ),
      ),
    );
    if (ended) this.toEnd();
  }

  #row(message) {
    const { author, at, position_ms: position } = message;
    const together = this.#last?.author?.id === author?.id && Date.parse(at) - Date.parse(this.#last.at) < TOGETHER_MS;
    const name = author?.name || t("message.gone");
    const place = position !== null && position !== undefined && el("span", { class: "said-at", title: t("party.saidAt", { time: duration(position / 1000) }) }, duration(position / 1000));
    return el(
      "li",
      { class: together ? "message together" : "message", data: { id: message.id } },
      el(
        "div",
        { class: "message-line" },
        together ? el("span", { class: "message-side", "aria-hidden": "true" }) : avatar(name, author?.avatar_url, "small"),
        el(
          "div",
          { class: "grow" },
          el("div", { class: together ? "visually-hidden" : "message-head" }, el("b", {}, name), el("time", { datetime: at, title: dateTime(at), "data-fixed": true }, clockTime(at)), place),
          el("div", { class: "message-text" }, renderBody(message.text, message.mentions ?? [])),
        ),
      ),
    );
  }

  #append(row) {
    const ended = this.atEnd;
    this.list.append(row);
    while (this.list.children.length > MAX_ROWS) {
      this.#known.delete(Number(this.list.firstElementChild.dataset.id));
      this.list.firstElementChild.remove();
    }
    if (ended) this.toEnd();
  }
}
