/** @file The queue as the events of the party make it. */

export class Waiting {
  items = [];
  own = new Set();

  /** What the server holds now. */
  take({ items, own_votes: own }) {
    this.items = items;
    this.own = new Set(own);
  }

  /** One event `queue-changed`. */
  change({ item, item_ids: gone, votes }) {
    const counts = new Map(votes.map((one) => [one.item_id, one.votes]));
    const held = [...this.items, ...(item && !this.items.some(({ id }) => id === item.id) ? [item] : [])];
    this.items = held.filter(({ id }) => !gone.includes(id)).map((one) => (counts.has(one.id) ? { ...one, votes: counts.get(one.id) } : one));
    this.#order();
  }

  /** One's own vote, before the server has told of it. */
  vote(id, on) {
    if (on) this.own.add(id);
    else this.own.delete(id);
    this.items = this.items.map((one) => (one.id === id ? { ...one, votes: Math.max(0, one.votes + (on ? 1 : -1)) } : one));
    this.#order();
  }

  get next() {
    return this.items[0] ?? null;
  }

  /** By votes, then by age, as the server plays them. */
  #order() {
    this.items.sort((one, other) => other.votes - one.votes || one.place - other.place);
  }
}
