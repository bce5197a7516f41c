/**
 * @file A room of a community: its messages as they are, and what somebody does there.
 */
import { Deeds } from "./deeds.js";
import { Listeners } from "./errors.js";
import { Outbox } from "./outbox.js";
import { ReadMarker } from "./reading.js";
import { MemoryStorage } from "./session.js";
import { Stay } from "./stay.js";
import { Timeline } from "./timeline.js";
import { Typing } from "./typing.js";

/** Messages of one reading of history, as many as the server gives. */
const PAGE = 100;
/** Changes remembered while an answer is on its way, which takes 15 s at most. */
const MAX_LATE = 2_000;

/**
 * Keeps a room live. Events (`on`): `reset` (begin anew with `messages`), `added` (messages at the end), `changed` (one
 * message), `outbox`, `about` (role, mode, timeout or number of people), `typing` (people), `state`, `missed` (something
 * was said while what is held ends in the past), `event` (each durable event).
 */
export class Room extends Deeds {
  /** Whose room it is; known once one is in. @type {number | null} */
  communityId = null;
  role = null;
  mode = null;
  online = 0;
  /** @type {{until: string | null, reason: string | null} | null} */ timeout = null;
  /** Up to where was read when the room was opened. */
  readSeq = null;
  #listeners = new Listeners();
  #stay;
  #loading = null;
  #late = null; // changes of messages that an answer on its way may bring as they were before
  #generation = 0; // of what is held: an answer for an earlier one fits nowhere
  #marker;

  /**
   * Made by `MyPick.room`.
   * @param {import("./namespace.js").Namespace} namespace
   * @param {number} id
   * @param {object} options
   * @param {{id: number} | null} options.user
   * @param {object} [options.storage] keeps what was not sent yet: `sessionStorage` in a browser, else memory
   */
  constructor(namespace, id, { user, storage = new MemoryStorage() }) {
    super((messageId) => this.timeline.get(messageId) && this.#listeners.emit("changed", this.timeline.get(messageId)));
    Object.assign(this, { namespace, id, user });
    this.key = `room:${id}`;
    this.timeline = new Timeline(user?.id ?? null);
    this.#marker = new ReadMarker(namespace.clock, (seq) => (this.state === "live" ? namespace.emit("mark-read", { room_id: id, seq }) : null));
    this.typists = new Typing(namespace.clock, (people) => this.#listeners.emit("typing", people));
    this.outbox = new Outbox({
      send: ({ cid, text, reply_to: replyTo }) => namespace.emit("send-message", { room_id: id, cid, text, reply_to: replyTo }),
      has: (seq) => seq <= this.#head,
      onChange: () => this.#listeners.emit("outbox"),
      storage,
      key: `mypick.outbox.${user?.id}.${id}`,
      clock: namespace.clock,
      random: namespace.random,
    });
    const here = (listener) => (told) => told.room_id === id && listener(told);
    this.#stay = new Stay(namespace, {
      kind: "room",
      place: () => ({ room_id: id }),
      entered: (reply) => this.#entered(reply),
      onEvent: (event) => this.#event(event),
      onReset: (reply) => this.#reset(reply),
      onState: (state) => this.#became(state),
      hears: {
        typing: here(({ user: typist }) => this.typists.seen(typist)),
        presence: here(({ online }) => this.#about({ online })),
      },
    });
  }

  /** `joining`, `live`, `away` (no connection) or `out`. */
  get state() {
    return this.#stay.state;
  }

  /** Why one is `out`, or not in yet. @returns {import("./errors.js").MyPickError | null} */
  get error() {
    return this.#stay.error;
  }

  /** @returns {() => void} takes the listener away */
  on(event, listener) {
    return this.#listeners.on(event, listener);
  }

  get messages() {
    return this.timeline.messages;
  }

  /** Comes in, and comes back after every cut, until `close`. */
  open() {
    this.#stay.open(this.key);
    return this;
  }

  /** Shows an answer of `GET /rooms/{id}/messages` until one has come in. */
  show({ events, more, own_reactions: own }) {
    if (this.state === "joining" && !this.messages.length) this.#begin(events, { older: more, own });
  }

  /** Goes out. */
  close() {
    this.#stay.close();
    this.outbox.close();
  }

  /** Older messages. @returns {Promise<import("./timeline.js").Message[]>} those that came */
  loadOlder() {
    const { timeline } = this;
    if (!timeline.older || !timeline.first) return Promise.resolve([]);
    return this.#once((isCurrent) => {
      return this.#read(timeline.first.seq, (events, older, own) => (isCurrent() ? timeline.addOlder(events, { older, own }) : []));
    });
  }

  /**
   * Newer messages, where what is held ends in the past. History is read backwards: a step of as many places as one
   * answer can hold leaves nothing out. What came after the question was asked may be in no answer.
   */
  loadNewer() {
    const { timeline } = this;
    if (!timeline.newer || !timeline.last) return Promise.resolve([]);
    return this.#once(async (isCurrent) => {
      for (let seen = timeline.last.seq; ; ) {
        const upto = Math.min(seen + PAGE - 1, Math.max(this.#head, seen));
        const fresh = await this.#read(upto + 1, (events, _, own) => {
          if (!isCurrent()) return null;
          const { seq: last } = timeline.last;
          return timeline.addNewer(events.filter(({ seq }) => seq > last), { newer: upto < this.#head, own });
        });
        seen = upto;
        if (!fresh || fresh.length || !timeline.newer) return fresh ?? [];
      }
    });
  }

  /** Makes the messages around `seq` those that are held. */
  async goTo(seq) {
    const { first, last, newer } = this.timeline;
    if (first && seq >= first.seq && (!newer || seq <= last.seq)) return;
    await this.#hold(Math.min(seq + PAGE / 2, this.#head));
  }

  /** Back to what is said now. */
  async goToLatest() {
    if (this.timeline.newer) await this.#hold(this.#head);
  }

  async #hold(upto) {
    while (this.#loading) await this.#loading.catch(() => {});
    await this.#once(() => this.#read(upto + 1, (events, older, own) => this.#begin(events, { older, newer: upto < this.#head, own })));
  }

  /** The last place in the room that is known of. */
  get #head() {
    return this.#stay.seq;
  }

  /** Says something. @returns {import("./outbox.js").Entry | null} `null` where too much waits already */
  send(text, { replyTo = null } = {}) {
    this.typists.rest();
    return this.outbox.add(text, replyTo);
  }

  /** Everything up to `seq` was seen. */
  markRead(seq) {
    this.#marker.mark(seq);
  }

  /** Somebody types here; as often as one likes. */
  typing() {
    if (this.state === "live" && this.typists.due()) this.namespace.send("typing", { room_id: this.id });
  }

  #entered(reply) {
    this.readSeq ??= reply.read_seq ?? reply.head_seq;
    const { role, mode, online, timeout, community_id: communityId } = reply;
    this.#about({ role, mode, online, timeout, communityId });
    // A fresh snapshot is whole: for the stream there is nothing to apply.
    return reply.reset ? { ...reply, snapshot: reply.events, events: [], older: reply.more, more: false } : reply;
  }

  #reset({ snapshot, older, own_reactions: own }) {
    this.#late?.splice(0); // the snapshot holds it
    this.#begin(snapshot, { older, own });
    for (const message of this.messages) if (message.author?.id === this.user?.id) this.outbox.arrived(message);
    this.outbox.passed();
  }

  #begin(events, about) {
    this.#generation += 1;
    this.timeline.reset(events, about);
    this.#listeners.emit("reset");
  }

  #event(event) {
    const { type, actor, data } = event;
    const message = this.timeline.apply(event);
    if (type !== "message-created" && this.#late?.length < MAX_LATE) this.#late.push(event);
    if (type === "message-created") {
      if (actor) this.typists.forget(actor.id);
      if (actor && actor.id === this.user?.id) this.outbox.arrived({ id: event.id, text: data.text, reply_to: data.reply_to });
      if (message) this.#listeners.emit("added", [message]);
      else if (this.timeline.newer) this.#listeners.emit("missed");
    } else if (message) this.#listeners.emit("changed", message);
    if (type === "room-mode-changed") this.#about({ mode: data });
    if (type === "member-sanctioned" && data.user_id === this.user?.id) {
      this.#about({ timeout: data.kind === "timeout" ? { until: data.until, reason: null } : null });
    }
    if (type === "role-changed") {
      const mine = data.roles.find((given) => given.user_id === this.user?.id);
      if (mine) this.#about({ role: mine.role });
    }
    this.#listeners.emit("event", event);
  }

  /** Puts an answer of history in its place with `take`, and behind it what happened while it was on its way. */
  async #read(before, take) {
    const late = (this.#late ??= []);
    try {
      const reply = await this.namespace.emit("history", { room_id: this.id, before_seq: before, limit: PAGE });
      const taken = take(reply.events, reply.more, reply.own_reactions);
      for (const event of late) this.timeline.apply(event);
      return taken;
    } finally {
      this.#late = null;
    }
  }

  #once(load) {
    const generation = this.#generation;
    this.#loading ??= load(() => generation === this.#generation).finally(() => (this.#loading = null));
    return this.#loading;
  }

  #about(changes) {
    Object.assign(this, changes);
    this.#listeners.emit("about");
  }

  #became(state) {
    if (state === "live") this.outbox.wake();
    this.#listeners.emit("state", state);
  }
}
