/**
 * @file Which reactions are one's own. The server tells counts, often gathered, without saying whose; one's own are known
 * from the snapshot and from what was sent.
 */

export class OwnReactions {
  #of = new Map(); // message id → {said, own, wishes, upto}; of messages that are held

  /** One's own by the snapshot. */
  know(message, emoji) {
    if (!message) return;
    this.#about(message).own.add(emoji);
    this.#draw(message);
  }

  /** A `reaction-changed`. */
  tell(message, { emoji, on, reactions }, seq, mine) {
    const about = this.#about(message);
    about.said = reactions;
    if (mine && emoji !== null) {
      if (seq > about.upto) about.own[on ? "add" : "delete"](emoji);
      const wish = about.wishes.get(emoji);
      if (wish?.on === on) wish.told = true;
    }
    for (const [wished, wish] of about.wishes) if (wish.done) about.wishes.delete(wished); // counted by now
    this.#draw(message);
  }

  /** Shows it as wished from now on. Returns the wish. */
  wish(message, emoji, on) {
    const about = this.#about(message);
    const before = about.wishes.get(emoji);
    const was = before ? (before.told ? before.on : before.was) : about.own.has(emoji);
    const wish = { emoji, on, was, done: false, told: false };
    about.wishes.set(emoji, wish);
    this.#draw(message);
    return wish;
  }

  /** The server has done what was wished, and tells it with the next count, unless it has told already; or not. */
  settle(message, wish, done, seq = 0) {
    const about = this.#about(message);
    about.upto = Math.max(about.upto, seq); // what is told up to there is older than this answer
    if (done) about.own[wish.on ? "add" : "delete"](wish.emoji);
    wish.done = done;
    if (!done || wish.told) this.drop(message, wish);
    else this.#draw(message);
  }

  /** What is counted is what was said. */
  drop(message, wish) {
    const { wishes } = this.#about(message);
    if (wishes.get(wish.emoji) === wish) wishes.delete(wish.emoji);
    this.#draw(message);
  }

  forget(id) {
    this.#of.delete(id);
  }

  #about(message) {
    if (!this.#of.has(message.id)) this.#of.set(message.id, { said: message.reactions, own: new Set(), wishes: new Map(), upto: 0 });
    return this.#of.get(message.id);
  }

  #draw(message) {
    const { said, own, wishes } = this.#about(message);
    const shown = new Map(said.map(({ emoji, count }) => [emoji, { emoji, count, mine: own.has(emoji) }]));
    for (const [emoji, { on, was, told }] of wishes) {
      const count = (shown.get(emoji)?.count ?? 0) + (told || on === was ? 0 : on ? 1 : -1);
      shown.set(emoji, { emoji, count, mine: on });
    }
    message.reactions = [...shown.values()].filter(({ count }) => count > 0).sort((a, b) => (a.emoji < b.emoji ? -1 : 1));
  }
}
