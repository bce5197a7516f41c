/**
 * @file What screen readers hear of a room: new messages, politely and never more than one sentence every few seconds.
 * The list of messages itself is silent, since scrolling puts old ones into it.
 */
import { el } from "../dom.js";
import { t } from "../texts.js";
import { plainLine } from "./body.js";
import { authorName } from "./row.js";

/** Between two sentences, ms; sentences that stay in the log. */
const EVERY_MS = 4_000;
const MAX_KEPT = 5;

export class Speech {
  #waiting = [];
  #timer = null;
  #spokeAt = -Infinity;

  constructor(box) {
    this.box = box;
  }

  /** A message of somebody else arrived. */
  message(message) {
    this.#waiting.push(message);
    if (this.#waiting.length > 1000) this.#waiting.splice(0, 500); // nobody is told more than their number
    const wait = Math.max(0, this.#spokeAt + EVERY_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#speak(), wait);
  }

  say(text) {
    this.#spokeAt = performance.now();
    this.box.append(el("p", {}, text));
    while (this.box.children.length > MAX_KEPT) this.box.firstElementChild.remove();
  }

  #speak() {
    this.#timer = null;
    const last = this.#waiting.at(-1);
    const count = this.#waiting.length;
    this.#waiting = [];
    const words = { name: authorName(last), text: plainLine(last.text, last.mentions), count };
    this.say(t(count === 1 ? "room.spoken" : "room.spoken.many", words));
  }
}
