/** @file The messages that answers quote, where the page does not hold them: fetched one after the other, and kept. */
import { asMessage } from "../../mypick/timeline.js";
import { client } from "../client.js";

/** Quoted messages kept; the oldest go first. */
const MAX_KEPT = 500;

export class Quotes {
  #found = new Map(); // id → message, or null where there is none
  #asking = Promise.resolve();

  /** @param {(id: number) => object | null} held @param {(answers: object[]) => void} onFound */
  constructor(held, onFound) {
    Object.assign(this, { held, onFound, waiting: new Map() });
  }

  of(message) {
    const id = message.reply_to;
    const known = this.held(id) ?? this.#found.get(id);
    if (known || this.#found.has(id)) return known ?? null;
    if (this.waiting.has(id)) this.waiting.get(id).add(message);
    else {
      this.waiting.set(id, new Set([message]));
      this.#asking = this.#asking.then(() => this.#ask(id));
    }
    return null;
  }

  async #ask(id) {
    let found = this.held(id);
    try {
      found ??= asMessage((await client.request("GET", `/messages/${id}`)).data);
    } catch {
      found = null; // the link still leads to where it was, as far as there is one
    }
    this.#found.set(id, found);
    if (this.#found.size > MAX_KEPT) this.#found.delete(this.#found.keys().next().value);
    const answers = [...this.waiting.get(id)];
    this.waiting.delete(id);
    if (found) this.onFound(answers);
  }

  /** What was quoted says nothing any more. */
  forget(id) {
    if (this.#found.get(id)) Object.assign(this.#found.get(id), { text: "", deleted: true });
  }
}
