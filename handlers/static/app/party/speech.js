/** @file What screen readers hear of a party, politely: one sentence at a time, the latest of many. */
import { el } from "../dom.js";
import { t } from "../texts.js";

/** Between two sentences, ms; sentences that stay in the log; those that wait, of which the oldest go. */
const EVERY_MS = 3_000;
const MAX_KEPT = 5;
const MAX_WAITING = 3;

export class PartySpeech {
  #waiting = [];
  #messages = [];
  #timer = null;
  #spokeAt = -Infinity;

  constructor(box) {
    this.box = box;
  }

  /** Something happened. */
  say(text) {
    this.#waiting.push(text);
    this.#waiting.splice(0, this.#waiting.length - MAX_WAITING);
    this.#later();
  }

  /** Somebody else said something. */
  message(name, text) {
    this.#messages.push({ name, text });
    if (this.#messages.length > 1_000) this.#messages.splice(0, 500); // nobody is told more than their number
    this.#later();
  }

  #later() {
    this.#timer ??= setTimeout(() => this.#speak(), Math.max(0, this.#spokeAt + EVERY_MS - performance.now()));
  }

  #speak() {
    this.#timer = null;
    this.#spokeAt = performance.now();
    const said = this.#waiting.splice(0);
    const [last, count] = [this.#messages.at(-1), this.#messages.length];
    this.#messages = [];
    if (last) said.push(t(count === 1 ? "room.spoken" : "room.spoken.many", { ...last, count }));
    this.box.append(...said.map((text) => el("p", {}, text)));
    while (this.box.children.length > MAX_KEPT) this.box.firstElementChild.remove();
  }
}
