/**
 * @file The messages of a room that a client holds: one unbroken stretch of the room's past, by `seq`.
 */
import { OwnReactions } from "./reactions.js";

/** Messages held; beyond it the far end is let go and can be loaded again. About 1 KB each. */
const MAX_KEPT = 8_000;

/**
 * @typedef {object} Message
 * @property {number} id
 * @property {number} seq its place in the room
 * @property {string} at
 * @property {{id: number, name: string, avatar_url: string | null} | null} author
 * @property {string} text plain text, empty where it was deleted
 * @property {number} rev
 * @property {string | null} edited_at
 * @property {boolean} deleted
 * @property {boolean} hidden reports took it from view; a moderator will look
 * @property {{id: number, name: string, avatar_url: string | null}[]} mentions
 * @property {number | null} reply_to
 * @property {number | null} thread_id
 * @property {{emoji: string, count: number, mine: boolean}[]} reactions
 * @property {boolean} pinned
 * @property {{url: string, kind: string, title: string, description: string, site: string} | null} preview of its first link
 */

export class Timeline {
  /** @type {Message[]} */ messages = [];
  /** There are older messages on the server. */
  older = false;
  /** There are newer ones: what is held ends in the past, and what is said now is not put behind it. */
  newer = false;
  #byId = new Map();
  #reactions = new OwnReactions();
  #me;

  /** @param {number | null} me whose reactions are `mine` */
  constructor(me, { maxKept = MAX_KEPT } = {}) {
    this.#me = me;
    this.maxKept = maxKept;
  }

  get first() {
    return this.messages[0] ?? null;
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  get(id) {
    return this.#byId.get(id) ?? null;
  }

  /** Where the message stands in `messages`, or -1. */
  indexOf(message) {
    let [low, high] = [0, this.messages.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { seq } = this.messages[middle];
      if (seq === message.seq) return middle;
      if (seq < message.seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Begins anew with these `message-created`, the oldest first. */
  reset(events, { older, newer = false, own = [] }) {
    this.#byId.clear();
    this.#reactions = new OwnReactions();
    this.messages = [];
    Object.assign(this, { older, newer });
    this.#join(events, own, (fresh) => this.messages.push(...fresh));
  }

  /** Older messages, the oldest first. Returns those that were not held yet. */
  addOlder(events, { older, own = [] }) {
    this.older = older;
    const fresh = this.#join(events, own, (found) => (this.messages = [...found, ...this.messages]));
    const over = this.messages.length - this.maxKept;
    if (over > 0) {
      this.#forget(this.messages.splice(-over));
      this.newer = true;
    }
    return fresh;
  }

  /** Newer messages of a stretch that ends in the past. */
  addNewer(events, { newer, own = [] }) {
    this.newer = newer;
    const fresh = this.#join(events, own, (found) => this.messages.push(...found));
    this.#forgetOldest();
    return fresh;
  }

  /**
   * Applies one durable event of the room. Returns the message that was added or changed; `null` where it concerns
   * none that is held.
   */
  apply({ type, data, ...event }) {
    if (type === "message-created") {
      if (this.newer || this.#byId.has(event.id)) return null;
      const [message] = this.#join([{ data, ...event }], [], (found) => this.messages.push(...found));
      this.#forgetOldest();
      return message ?? null;
    }
    const message = this.get(data.message_id);
    if (!message) return null;
    if (type === "message-edited") {
      const { text, rev, edited_at, deleted, hidden, mentions, preview = null } = data;
      Object.assign(message, { text, rev, edited_at, deleted, hidden, mentions, preview });
    } else if (type === "message-deleted") {
      Object.assign(message, { text: "", deleted: true, mentions: [], reactions: [], pinned: false, preview: null });
      this.#reactions.forget(message.id);
    } else if (type === "reaction-changed") {
      this.#reactions.tell(message, data, event.seq, event.actor?.id === this.#me);
    } else if (type === "preview-changed") {
      message.preview = data.preview;
    } else if (type === "message-pinned") {
      message.pinned = data.on;
    } else return null;
    return message;
  }

  /** Shows one's own reaction as put on or taken off, before the server has said so. Returns the wish. */
  wish(id, emoji, on) {
    const message = this.get(id);
    return message && this.#reactions.wish(message, emoji, on);
  }

  /** What became of a wish: `"done"`, `"failed"`, or `"told"` where no count will come any more. */
  settle(id, wish, what, seq) {
    const message = this.get(id);
    if (!message || !wish) return;
    if (what === "told") this.#reactions.drop(message, wish);
    else this.#reactions.settle(message, wish, what === "done", seq);
  }

  #join(events, own, put) {
    const fresh = events.filter(({ id }) => !this.#byId.has(id)).map((event) => asMessage(event));
    for (const message of fresh) this.#byId.set(message.id, message);
    for (const { message_id: id, emoji } of own) this.#reactions.know(this.get(id), emoji);
    put(fresh);
    return fresh;
  }

  #forgetOldest() {
    const over = this.messages.length - this.maxKept;
    if (over <= 0) return;
    this.#forget(this.messages.splice(0, over));
    this.older = true;
  }

  #forget(messages) {
    for (const { id } of messages) {
      this.#byId.delete(id);
      this.#reactions.forget(id);
    }
  }
}

/** A `message-created` as a message. @returns {Message} */
export function asMessage({ id, seq, at, actor = null, data }) {
  const { text, rev, edited_at, deleted, hidden, mentions, reply_to, thread_id, pinned, preview = null } = data;
  const reactions = data.reactions.map((one) => ({ ...one, mine: false }));
  return { id, seq, at, author: actor, text, rev, edited_at, deleted, hidden, mentions, reply_to, thread_id, reactions, pinned, preview };
}
