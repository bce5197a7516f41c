/**
 * @file What a party plays next, as the join and the events that followed make it. `mypick/watchparty/queue/order.py`
 * says in which order.
 */

export class Queue {
  /** As they will be played. */
  items = [];
  /** Ids of what one has voted for. @type {Set<number>} */
  own = new Set();

  /** What the server holds now. */
  take({ queue, own_votes: own }) {
    this.items = [...queue];
    this.own = new Set(own);
  }

  /** One event `queue-changed`; told again it changes nothing. */
  change({ item, item_ids: gone, votes }) {
    const counts = new Map(votes.map((one) => [one.item_id, one.votes]));
    const held = [...this.items, ...(item && !this.items.some(({ id }) => id === item.id) ? [item] : [])];
    this.items = held.filter(({ id }) => !gone.includes(id)).map((one) => (counts.has(one.id) ? { ...one, votes: counts.get(one.id) } : one));
    for (const id of gone) this.own.delete(id);
    this.#order();
  }

  /** One's own vote, before the server has told of it. False where it was so already. */
  vote(id, on) {
    if (this.own.has(id) === on) return false;
    if (on) this.own.add(id);
    else this.own.delete(id);
    this.items = this.items.map((one) => (one.id === id ? { ...one, votes: Math.max(0, one.votes + (on ? 1 : -1)) } : one));
    this.#order();
    return true;
  }

  #order() {
    this.items.sort((one, other) => other.votes - one.votes || one.place - other.place);
  }
}
