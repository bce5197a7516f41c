/** @file The panel beside the talk: a thread, what is pinned, or who belongs. */
import { Timeline, asMessage } from "../../mypick/timeline.js";
import { client } from "../client.js";
import { $, el } from "../dom.js";
import { MemberList } from "../members.js";
import { problemBox } from "../problems.js";
import { t } from "../texts.js";
import { messageRow } from "./row.js";

/** Answers of a thread that are shown: the first ones, and what is said from now on. */
const MAX_THREAD = 500;
const PAGE = 100;

export class Side {
  #shown = null; // {kind, root?, timeline?}
  #opener = null;

  /**
   * @param {object} page what rows need (see `messageRow`), and `room`, `communityId`, `goTo(message)`, `write(on)`
   */
  constructor(page) {
    this.page = page;
    this.box = $("#side");
    this.scroll = $("#side-scroll");
    $("#side-close").addEventListener("click", () => this.close());
    this.box.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.close());
    page.room.on("event", (event) => this.#event(event));
  }

  /** The message that the open thread began with. */
  get root() {
    return this.#shown?.root ?? null;
  }

  close() {
    this.box.hidden = true;
    this.#shown = null;
    this.page.onSide(null);
    if (this.#opener?.isConnected) this.#opener.focus();
  }

  /** Opens what `kind` names, or closes it where it is open. */
  toggle(kind, opener) {
    if (this.#shown?.kind === kind) return this.close();
    this.#open(kind, t(`${kind}.title`), opener);
    return kind === "pins" ? this.#pins() : this.#people();
  }

  async thread(message) {
    const root = message.thread_id ?? message.id;
    this.#open("thread", t("thread.title"), document.activeElement);
    const timeline = new Timeline(this.page.me);
    const shown = (this.#shown = { kind: "thread", root, timeline, held: [] });
    this.page.onSide("thread");
    await this.#fill(async () => {
      const first = this.page.room.timeline.get(root);
      const events = first ? [] : [(await client.request("GET", `/messages/${root}`)).data];
      let cursor = null;
      do {
        const answer = await client.request("GET", `/messages/${root}/thread`, null, { query: { limit: PAGE, cursor } });
        events.push(...answer.data);
        cursor = answer.pagination.next_cursor;
      } while (cursor && events.length < MAX_THREAD);
      const held = first ? [{ ...first, id: root, actor: first.author, data: { ...first, message_id: root } }] : [];
      timeline.reset([...held, ...events], { older: false });
      for (const event of shown.held ?? []) this.#apply(shown, event);
      shown.held = null;
      if (this.#shown === shown) this.#drawThread();
    });
  }

  #open(kind, title, opener) {
    this.#opener = opener;
    this.#shown = { kind };
    this.box.hidden = false;
    $("#side-title").textContent = title;
    this.scroll.replaceChildren(el("p", { class: "muted pad" }, t("state.loading")));
    this.page.onSide(kind);
    $("#side-close").focus({ preventScroll: true });
  }

  async #fill(work) {
    try {
      await work();
    } catch (error) {
      this.scroll.replaceChildren(problemBox(error, () => this.#fill(work), "room"));
    }
  }

  #drawThread() {
    const { timeline } = this.#shown;
    const atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 80;
    const page = { ...this.page.look(), newFrom: null, editing: null, quoteOf: (message) => timeline.get(message.reply_to) };
    const rows = timeline.messages.map((message, index) => messageRow({ ...message, reply_to: message.reply_to === this.root ? null : message.reply_to }, timeline.messages[index - 1] ?? null, page));
    rows[0]?.classList.add("thread-root");
    const none = timeline.messages.length < 2 && el("p", { class: "muted pad" }, t("thread.empty"));
    const focused = this.scroll.contains(document.activeElement) && document.activeElement.closest("[data-id]")?.dataset.id;
    for (const row of rows) row.tabIndex = -1;
    this.scroll.replaceChildren(el("ol", { class: "messages", "aria-label": t("thread.title") }, ...rows), none || "");
    if (focused) rows.find((row) => row.dataset.id === focused)?.focus({ preventScroll: true });
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #event(event) {
    const { type } = event;
    if (this.#shown?.kind === "pins" && ["message-pinned", "message-deleted"].includes(type)) this.#pins();
    if (!this.#shown?.timeline) return;
    const { held } = this.#shown; // what happens while the thread is on its way may not be in it
    if (held) held.length < MAX_THREAD && held.push(event);
    else if (this.#apply(this.#shown, event)) this.#drawThread();
  }

  #apply({ timeline, root }, event) {
    const { type, id, data } = event;
    const ours = type === "message-created" ? data.thread_id === root && !timeline.get(id) : timeline.get(data.message_id);
    return ours && timeline.apply(event);
  }

  /** The message of the thread that stands in this row. */
  messageIn(row) {
    return this.#shown?.timeline?.get(Number(row.dataset.id)) ?? null;
  }

  #pins() {
    return this.#fill(async () => {
      const { data } = await client.request("GET", `/rooms/${this.page.room.id}/pins`);
      if (this.#shown?.kind !== "pins") return;
      const page = { ...this.page.look(), newFrom: null, editing: null, mayReact: false, quoteOf: () => null };
      const rows = data.events.map((event) => {
        const message = asMessage(event);
        const row = messageRow({ ...message, reply_to: null }, null, page); // who said it, and on which day
        row.append(el("button", { type: "button", class: "link-button", on: { click: () => this.page.goTo(message.id) } }, t("pins.go")));
        return row;
      });
      this.scroll.replaceChildren(rows.length ? el("ol", { class: "messages pins" }, ...rows) : el("p", { class: "muted pad" }, t("pins.empty")));
    });
  }

  #people() {
    const search = el("input", { type: "search", maxlength: 50, autocomplete: "off", "aria-label": t("community.people.search"), placeholder: t("community.people.search") });
    const list = el("div", { data: { skeleton: "line" } });
    this.scroll.replaceChildren(el("div", { class: "people pad" }, el("form", { role: "search" }, search), list));
    new MemberList(list, search, this.page.communityId).reload();
  }
}
