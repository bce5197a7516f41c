/** @file How far one has read: the line above what is new, the way to the newest, and what screen readers hear. */
import { $ } from "../dom.js";
import { t } from "../texts.js";
import { Speech } from "./speech.js";

export class Reader {
  /** The message above which the line of what is new stands. */
  newFrom = null;
  #unseen = 0;
  #placed = false;

  constructor(room, list) {
    Object.assign(this, { room, list, button: $("#latest"), speech: new Speech($("#spoken")) });
    this.button.addEventListener("click", async () => {
      this.#unseen = 0;
      if (room.timeline.newer) await room.goToLatest().catch(() => {});
      list.toEnd();
      list.element(list.last)?.focus({ preventScroll: true });
      this.look();
    });
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** The messages were begun anew: the line is placed once, by what was read before one came. */
  reset() {
    if (this.#placed || this.room.readSeq === null || !this.room.messages.length) return;
    this.#placed = true;
    const me = this.room.user?.id;
    this.newFrom = this.room.messages.find(({ seq, author }) => seq > this.room.readSeq && author?.id !== me)?.id ?? null;
  }

  added(messages) {
    const others = messages.filter(({ author }) => author?.id !== this.room.user?.id);
    for (const message of others) this.speech.message(message);
    if (!this.#reading) {
      this.#unseen += others.length;
      if (document.visibilityState === "hidden" && others.length && this.newFrom === null) {
        this.newFrom = others[0].id;
        this.list.changed(others[0]);
      }
    }
    this.look();
  }

  missed() {
    this.#unseen += 1;
    this.#draw();
  }

  /** Looks what is seen now. */
  look() {
    // It keeps its height, so that nothing moves when the beginning is reached.
    const begun = !this.room.timeline.older && this.list.first === this.room.timeline.first;
    const empty = { live: "room.empty.text", out: null }[this.room.state];
    const key = !begun ? "state.loading" : this.list.size ? "room.beginning" : empty === undefined ? "room.state.joining" : empty;
    const words = key ? t(key) : "";
    if ($("#beginning").textContent !== words) $("#beginning").textContent = words;
    $("#beginning").dataset.begun = String(begun && this.list.size > 0);
    if (this.#reading) {
      this.#unseen = 0;
      const { last } = this.room.timeline;
      if (last) this.room.markRead(last.seq);
    }
    this.#draw();
  }

  get #reading() {
    return document.visibilityState === "visible" && this.list.atEnd;
  }

  #draw() {
    this.button.hidden = this.list.atEnd || !this.list.size;
    $("span", this.button).textContent = this.#unseen ? t("room.latest.new", { count: this.#unseen, n: this.#unseen }) : t("room.latest");
  }
}
