/** @file Changing what one has said, in the place where it stands. */
import { $, el } from "../dom.js";
import { t } from "../texts.js";
import { encodeMentions } from "./composer.js";
import { attempt } from "./moderating.js";

export class Editing {
  id = null;

  constructor(room, list, giveBack) {
    Object.assign(this, { room, list, giveBack });
    room.on("changed", (message) => message.id === this.id && message.deleted && this.end());
  }

  begin(message) {
    const before = this.id && this.room.timeline.get(this.id);
    this.id = message.id;
    if (before) this.list.changed(before);
    this.list.changed(message);
    const place = this.list.element(message) && $(".edit-place", this.list.element(message));
    if (!place) {
      this.id = null;
      return;
    }
    const named = new Map(message.mentions.map(({ id, name }) => [`@${name}`, id]));
    const text = message.text.replace(/<@([1-9][0-9]{0,18})>/g, (whole, id) => {
      const person = message.mentions.find((one) => String(one.id) === id);
      return person ? `@${person.name}` : whole;
    });
    const input = el("textarea", { maxlength: 2000, rows: Math.min(8, text.split("\n").length + 1), "aria-label": t("message.editing"), data: { key: "edit" } });
    input.value = text;
    const save = () => this.#save(message, encodeMentions(input.value.trim(), named)[0]);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Escape") this.end();
      else if (event.key === "Enter" && !event.shiftKey) save();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const button = (word, run, quiet) => el("button", { type: "button", class: quiet ? "button small quiet" : "button small", on: { click: run } }, t(word));
    place.replaceChildren(input, el("p", { class: "hint" }, t("message.editing")), el("div", { class: "edit-end" }, button("message.cancel", () => this.end(), true), button("message.save", save)));
    input.focus();
    input.setSelectionRange(text.length, text.length);
  }

  end() {
    const message = this.id && this.room.timeline.get(this.id);
    this.id = null;
    if (message) this.list.changed(message);
    this.giveBack();
  }

  async #save(message, text) {
    if (!text) return;
    if (text === message.text || (await attempt(() => this.room.edit(message, text)))) this.end();
  }
}
