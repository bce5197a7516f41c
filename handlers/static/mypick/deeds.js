/** @file What somebody does to the messages and people of a room: each is one command. */

/** Reactions are counted anew within 250 ms; one that changed nothing is in no count, ms. */
const COUNTED_MS = 2_000;

/** For who has the `namespace`, `id` and `timeline` of a room. Each gives a promise of the answer. */
export class Deeds {
  #changed;

  /** @param {(messageId: number) => void} changed tells who shows the message that it looks different now */
  constructor(changed) {
    this.#changed = changed;
  }

  edit(message, text) {
    return this.namespace.emit("edit-message", { message_id: message.id, text, rev: message.rev });
  }

  remove(message, reason = null) {
    return this.namespace.emit("delete-message", { message_id: message.id, reason });
  }

  async react({ id }, emoji, on) {
    const wish = this.timeline.wish(id, emoji, on);
    const settle = (what, seq) => {
      this.timeline.settle(id, wish, what, seq);
      this.#changed(id);
    };
    this.#changed(id);
    try {
      const { seq } = await this.namespace.emit("react", { message_id: id, emoji, on });
      settle("done", seq);
      this.namespace.clock.setTimeout(() => settle("told"), COUNTED_MS);
    } catch (error) {
      settle("failed");
      throw error;
    }
  }

  pin(message, on) {
    return this.namespace.emit("pin-message", { message_id: message.id, on });
  }

  report(message, reason) {
    return this.namespace.emit("report-message", { message_id: message.id, reason });
  }

  /** One of `timeout-member` (with `seconds`), `ban-member` and `unban-member`. */
  sanction(command, userId, more = {}) {
    return this.namespace.emit(command, { room_id: this.id, user_id: userId, ...more });
  }

  setMode(changes) {
    return this.namespace.emit("set-room-mode", { room_id: this.id, ...changes });
  }
}
