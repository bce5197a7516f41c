/**
 * @file What was said in a party while one was there, and shortly before.
 *
 * @typedef {object} PartyMessage
 * @property {number} id
 * @property {string} at
 * @property {{id: number, name: string, avatar_url: string | null} | null} author
 * @property {string} text empty where it was deleted
 * @property {boolean} deleted
 * @property {number} content_id what was played then
 * @property {number} position_ms where in it that was
 */

/** Messages held; the oldest go first. */
const KEPT = 400;

export class Chat {
  /** In the order in which they were said. @type {PartyMessage[]} */
  messages = [];

  /** What the server shows to who comes in: the newest. */
  begin(events) {
    this.messages = events.map(asMessage);
  }

  /** One event `message-created` or `message-deleted`. False where that was known already. */
  hear(event) {
    if (event.type === "message-deleted") return this.#remove(event.data.message_id);
    const message = asMessage(event);
    if (this.messages.some(({ id }) => id === message.id)) return false;
    this.messages = [...this.messages, message].slice(-KEPT);
    return true;
  }

  #remove(id) {
    const message = this.messages.find((one) => one.id === id);
    if (!message || message.deleted) return false;
    Object.assign(message, { text: "", deleted: true });
    return true;
  }
}

const asMessage = ({ id, at, actor, data }) => ({
  id: data.message_id ?? id,
  at,
  author: actor ?? null,
  text: data.text,
  deleted: data.deleted,
  content_id: data.content_id,
  position_ms: data.position_ms,
});
