/**
 * @file The messages of a room that a client holds: one unbroken stretch of the room's past, by `seq`.
 */

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
 * @property {{id: number, name: string, avatar_url: string | null}[]} mentions
 * @property {number | null} reply_to
 * @property {number | null} thread_id
 * @property {{emoji: string, count: number, mine: boolean}[]} reactions
 * @property {boolean} pinned
 */

export class Timeline {
  /** @type {Message[]} */ messages = [];
  /** There are older messages on the server. */
  older = false;
  /** There are newer ones: what is held ends in the past, and what is said now is not put behind it. */
  newer = false;
  #byId = new Map();
  #wishes = new Map(); // message id → emoji → whether it shall be on; as many as commands are under way
  #said = new Map(); // message id → reactions as the server said, where something is wished
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
    for (const map of [this.#byId, this.#wishes, this.#said]) map.clear();
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
      for (const { id } of this.messages.splice(-over)) this.#byId.delete(id);
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
      const { text, rev, edited_at, deleted, mentions } = data;
      Object.assign(message, { text, rev, edited_at, deleted, mentions });
    } else if (type === "message-deleted") {
      Object.assign(message, { text: "", deleted: true, mentions: [], reactions: [], pinned: false });
      this.#wishes.delete(message.id);
      this.#said.delete(message.id);
    } else if (type === "reaction-changed") {
      const said = this.#said.get(message.id) ?? message.reactions;
      const mine = new Set(said.filter((one) => one.mine).map((one) => one.emoji));
      if (event.actor?.id === this.#me) mine[data.on ? "add" : "delete"](data.emoji);
      message.reactions = data.reactions.map((one) => ({ ...one, mine: mine.has(one.emoji) }));
      this.#said.delete(message.id);
      if (event.actor?.id === this.#me && this.#wishes.get(message.id)?.get(data.emoji) === data.on) this.grant(message.id, data.emoji);
      this.#wish(message);
    } else if (type === "message-pinned") {
      message.pinned = data.on;
    } else return null;
    return message;
  }

  /** Shows one's own reaction as put on or taken off before the server has said so, until `grant`. */
  wish(id, emoji, on) {
    const message = this.get(id);
    if (!message) return;
    if (!this.#wishes.has(message.id)) this.#wishes.set(message.id, new Map());
    this.#wishes.get(message.id).set(emoji, on);
    this.#wish(message);
  }

  /** What the server says holds again for this reaction. */
  grant(id, emoji) {
    const [message, wishes] = [this.get(id), this.#wishes.get(id)];
    wishes?.delete(emoji);
    if (wishes?.size === 0) this.#wishes.delete(id);
    if (message) this.#wish(message);
  }

  /** `reactions` is what the server said, changed by what is wished. */
  #wish(message) {
    const said = this.#said.get(message.id) ?? message.reactions;
    const wishes = this.#wishes.get(message.id);
    message.reactions = said;
    this.#said.delete(message.id);
    if (!wishes) return;
    this.#said.set(message.id, said);
    const shown = new Map(said.map((one) => [one.emoji, one]));
    for (const [emoji, on] of wishes) {
      const was = shown.get(emoji) ?? { emoji, count: 0, mine: false };
      if (was.mine !== on) shown.set(emoji, { emoji, count: was.count + (on ? 1 : -1), mine: on });
    }
    message.reactions = [...shown.values()].filter(({ count }) => count > 0).sort((a, b) => (a.emoji < b.emoji ? -1 : 1));
  }

  #join(events, own, put) {
    const fresh = events.filter(({ id }) => !this.#byId.has(id)).map((event) => asMessage(event));
    for (const message of fresh) this.#byId.set(message.id, message);
    for (const { message_id: id, emoji } of own) {
      const reaction = this.get(id)?.reactions.find((one) => one.emoji === emoji);
      if (reaction) reaction.mine = true;
    }
    put(fresh);
    return fresh;
  }

  #forgetOldest() {
    const over = this.messages.length - this.maxKept;
    if (over <= 0) return;
    for (const { id } of this.messages.splice(0, over)) this.#byId.delete(id);
    this.older = true;
  }
}

/** A `message-created` as a message. @returns {Message} */
export function asMessage({ id, seq, at, actor = null, data }) {
  const { text, rev, edited_at, deleted, mentions, reply_to, thread_id, pinned } = data;
  const reactions = data.reactions.map((one) => ({ ...one, mine: false }));
  return { id, seq, at, author: actor, text, rev, edited_at, deleted, mentions, reply_to, thread_id, reactions, pinned };
}
