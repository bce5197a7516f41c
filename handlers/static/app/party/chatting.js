/** @file Talking in a party: what is on its way, what has arrived, and what was said before one came. */
import { newId } from "../../mypick/errors.js";
import { client } from "../client.js";
import { $ } from "../dom.js";
import { Composer } from "../room/composer.js";
import { plainLine } from "../room/body.js";
import { t } from "../texts.js";
import { Talk } from "./talk.js";

/** Messages that wait to be sent. */
const MAX_UNSENT = 20;

export class Chatting {
  unread = 0;
  #unsent = [];

  /** @param {import("../../mypick/party/party.js").Party} party @param {import("./speech.js").PartySpeech} speech */
  constructor(party, speech, { shown, onUnread }) {
    Object.assign(this, { party, speech, shown, onUnread });
    this.talk = new Talk($("#scroll"), $("#messages"), $("#unsent"));
    this.composer = new Composer($("#composer"), {
      draftKey: `party ${party.id}`,
      typing: () => {},
      people: async () => [],
      send: (text) => this.#send(text),
      leave: () => this.composer.input.blur(),
    });
  }

  /** Begins anew with what the party holds. */
  begin() {
    this.talk.clear();
    for (const message of this.party.messages) this.talk.add(worded(message));
    this.talk.toEnd();
  }

  /** A durable event `message-created` or `message-deleted`, which the party has taken. */
  hear({ type, data }) {
    if (type === "message-deleted") return this.talk.remove(data.message_id);
    const message = worded(this.party.messages.at(-1));
    const mine = message.author?.id === client.user.id;
    if (mine) this.#arrived(message);
    if (!this.talk.add(message) || mine) return;
    this.speech.message(message.author?.name ?? t("message.gone"), plainLine(message.text));
    if (!this.shown()) this.onUnread((this.unread += 1));
  }

  seen() {
    this.unread = 0;
    this.onUnread(0);
    this.talk.toEnd();
  }

  #send(text) {
    if (this.#unsent.length >= MAX_UNSENT) return false;
    const position = this.party.now?.position_ms;
    const entry = { cid: newId(), text, position: position === undefined ? null : Math.round(position), error: null };
    this.#unsent.push(entry);
    this.#transmit(entry);
    return true;
  }

  async #transmit(entry) {
    entry.error = null;
    this.#draw();
    this.talk.toEnd();
    try {
      const { cid, text, position } = entry;
      await this.party.ask("party-message", { cid, text, ...(position === null ? {} : { position_ms: position }) });
      this.#forget(entry); // its event comes, or has come
    } catch (error) {
      entry.error = error;
      this.#draw();
    }
  }

  /** The event may be faster than the answer. */
  #arrived(message) {
    const entry = this.#unsent.find(({ text, error }) => text === message.text && !error);
    if (entry) this.#forget(entry);
  }

  #forget(entry) {
    this.#unsent = this.#unsent.filter((one) => one !== entry);
    this.#draw();
  }

  #draw() {
    this.talk.drawUnsent(this.#unsent, client.user, { retry: (entry) => this.#transmit(entry), discard: (entry) => this.#forget(entry) });
  }
}

const worded = (message) => (message.deleted ? { ...message, text: t("message.deleted") } : message);
