/**
 * @file A watch party: what is played, who is there, and a player that is kept in step.
 */
import { Listeners } from "../errors.js";
import { Stay } from "../stay.js";
import { About } from "./about.js";
import { Chat } from "./chat.js";
import { Keeper } from "./keeper.js";
import { Queue } from "./queue.js";
import { Reporting } from "./reporting.js";
import { Steering } from "./steering.js";
import { Announced, PartyTimeline } from "./timeline.js";

/**
 * Keeps a party live. Events (`on`): `about` (party, role or people), `queue` (it, or one's own votes), `messages` (they
 * begin anew), `timeline` (something else is played, or otherwise), `step` (each look at the player: how far off it is),
 * `event` (each durable event), `reactions`, `state`.
 */
export class Party {
  /** @type {import("./decision.js").Decision | null} */ step = null;
  #listeners = new Listeners();
  #timeline = new PartyTimeline();
  #epoch = null;
  #contentId = null; // of the player
  #about;
  #queue = new Queue();
  #chat = new Chat();
  #keeper;
  #steering;
  #stay;
  #reporting;

  /**
   * Made by `MyPick.party`.
   * @param {import("../namespace.js").Namespace} namespace
   * @param {{id?: number, invite?: string, user: {id: number} | null}} options
   */
  constructor(namespace, { id, invite, user }) {
    this.namespace = namespace;
    this.id = id ?? null;
    this.invite = invite ?? null;
    this.user = user;
    this.#about = new About(user?.id ?? null);
    this.#keeper = new Keeper({
      time: namespace.clock,
      timeline: this.#timeline,
      ask: (timeout) => {
        if (namespace.state !== "online") return null;
        return namespace.emit("clock", { t0: namespace.clock.monotonic() }, { timeout, retries: 0, expires: timeout });
      },
      onLook: (decision) => this.#looked(decision),
    });
    this.#steering = new Steering({
      send: (command) => namespace.emit("control", { party_id: this.id, ...command }),
      seq: () => this.latest?.seq ?? 0,
      announce: (current) => this.#announce(current.seq, current),
    });
    this.#reporting = new Reporting({
      time: namespace.clock,
      keeper: this.#keeper,
      seq: () => (this.state === "live" ? (this.latest?.seq ?? null) : null),
      send: (event, said, options) => namespace.emit(event, { party_id: this.id, ...said }, options),
    });
    const here = (listener) => (told) => told.party_id === this.id && listener(told);
    this.#stay = new Stay(namespace, {
      kind: "party",
      place: () => ({ party_id: this.id }),
      find: (options) => this.#find(options),
      entered: (reply, resumed) => this.#entered(reply, resumed),
      onEvent: (event) => this.#event(event),
      onState: (state) => this.#became(state),
      onCut: () => this.#keeper.disconnected(),
      hears: {
        presence: here(({ online }) => ((this.#about.online = online), this.#listeners.emit("about"))),
        reactions: here((told) => this.#listeners.emit("reactions", told)),
      },
    });
  }

  /** @returns {() => void} takes the listener away */
  on(event, listener) {
    return this.#listeners.on(event, listener);
  }

  /** `joining`, `live`, `away` (no connection) or `out`. */
  get state() {
    return this.#stay.state;
  }

  /** Why one is `out`, or not in yet. @returns {import("../errors.js").MyPickError | null} */
  get error() {
    return this.#stay.error;
  }

  /** As the server shows it. */
  get party() {
    return this.#about.party;
  }

  /** One's own. */
  get role() {
    return this.#about.role;
  }

  /** People there; in a large party more than `members` has. */
  get online() {
    return this.#about.online;
  }

  /** By the person's id. */
  get members() {
    return this.#about.members;
  }

  /** What is played next, in that order. */
  get queue() {
    return this.#queue.items;
  }

  /** Ids of the items of the queue that one has voted for. @returns {Set<number>} */
  get ownVotes() {
    return this.#queue.own;
  }

  /** What was said, in that order: the newest before one came, and all since. */
  get messages() {
    return this.#chat.messages;
  }

  /** What was announced last, in force or about to be. @returns {Announced | null} */
  get latest() {
    return this.#timeline.latest;
  }

  /** What holds now: status, content, position in ms and rate. Null until the server's time is known. */
  get now() {
    const now = this.#keeper.now;
    const held = now === null ? null : this.#timeline.at(now);
    if (!held) return null;
    const playing = held.playing && held.effective_at_ms <= now;
    return { status: held.status, content_id: held.content_id, position_ms: held.position(now), rate: held.rate, playing, at_ms: now };
  }

  /** Too far behind to catch up by itself: offer `catchUp`. */
  get behind() {
    return this.#keeper.drift?.behind ?? false;
  }

  /** Ms to the server and back, by the best exchange. */
  get rtt() {
    return this.#keeper.clock.rtt;
  }

  /** Comes in, and comes back after every cut, until `close`. A player is attached anew after one was out. */
  open() {
    this.#reporting.start();
    this.#stay.open(this.invite === null ? keyOf(this.id) : null);
    return this;
  }

  /** Goes out. */
  close() {
    this.#stay.close();
    this.#rest();
  }

  /**
   * Gives the player that shows `contentId`. Call it again for each other content: `timeline` tells of it.
   * @param {import("./html5.js").Player} player
   */
  attach(player, contentId = this.latest?.content_id ?? null) {
    this.#contentId = contentId;
    this.#reporting.forget();
    this.#keeper.attach(player);
  }

  detach() {
    this.step = null;
    this.#keeper.detach();
  }

  /** Goes to where the party is now, by a jump. Also what a touch of the page calls where the browser let nothing play. */
  catchUp() {
    this.#keeper.drift?.catchUp();
    if (this.#keeper.player?.read().state === "blocked") this.#keeper.player.play();
    this.#keeper.look();
  }

  play() {
    return this.#steering.command("play", {}, (held) => held.playing || held.status === "waiting");
  }

  pause() {
    return this.#steering.command("pause", {}, (held) => held.status === "paused");
  }

  seek(positionMs) {
    return this.#steering.command("seek", { position_ms: Math.max(0, Math.round(positionMs)) });
  }

  /** The party's speed, for all. */
  setRate(rate) {
    return this.#steering.command("rate", { rate });
  }

  load(contentId, positionMs = 0) {
    return this.#steering.command("load", { content_id: contentId, position_ms: Math.max(0, Math.round(positionMs)) });
  }

  /** Wants to see an item of the queue soon, or no longer. It is shown at once, and taken back where it fails. */
  async vote(itemId, on) {
    const changed = this.#queue.vote(itemId, on);
    if (changed) this.#listeners.emit("queue");
    try {
      return await this.ask("queue-vote", { item_id: itemId, on });
    } catch (error) {
      if (changed && this.#queue.vote(itemId, !on)) this.#listeners.emit("queue");
      throw error;
    }
  }

  /** Any other command of the party: `claim-host`, `kick-member`, `party-message` … */
  ask(command, more = {}) {
    return this.namespace.emit(command, { party_id: this.id, ...more });
  }

  #announce(seq, data) {
    const announced = new Announced(seq, data);
    if (this.#timeline.announce(announced)) {
      this.#keeper.look();
      this.#listeners.emit("timeline", announced);
    }
    return announced;
  }

  #looked(decision) {
    this.step = decision;
    const { latest } = this;
    if (this.state === "live" && latest?.status === "waiting" && latest.content_id === this.#contentId) this.#reporting.ready(decision, latest.seq);
    this.#listeners.emit("step", decision);
  }

  /** By the invite, once. One that is spent says nothing of who was let in before. */
  async #find(options) {
    try {
      const { party } = await this.namespace.emit("join-party", { invite: this.invite }, options);
      this.id = party.id;
    } catch (error) {
      if (this.id === null || !["GONE", "INVALID"].includes(error.code)) throw error;
    }
    this.invite = null;
    return keyOf(this.id);
  }

  #entered(reply, resumed) {
    const { timeline } = reply;
    if (this.#epoch !== null && this.#epoch !== timeline.epoch) {
      this.#timeline.reset(new Announced(timeline.seq, timeline));
      this.#steering.forget();
    }
    this.#epoch = timeline.epoch;
    this.#about.take(reply);
    this.#listeners.emit("about");
    this.#queue.take(reply); // the events that follow may be older: told again they change nothing for good
    this.#listeners.emit("queue");
    this.#announce(timeline.seq, timeline);
    this.#keeper.connected();
    if (resumed) return reply;
    this.#chat.begin(reply.messages);
    this.#listeners.emit("messages");
    return { ...reply, reset: true, events: [], more: false }; // the answer is whole: nothing is to be applied
  }

  #event(event) {
    const { type, seq, data } = event;
    if (this.#about.change(event)) this.#listeners.emit("about");
    if (type === "timeline") this.#announce(seq, data);
    else if (type === "queue-changed") {
      this.#queue.change(data);
      this.#listeners.emit("queue");
    } else if (type === "message-created" || type === "message-deleted") {
      if (!this.#chat.hear(event)) return; // whoever came in was shown it already
    }
    this.#listeners.emit("event", event);
  }

  #became(state) {
    if (state === "out") this.#rest();
    this.#listeners.emit("state", state);
  }

  /** Tells the player and the server nothing more. */
  #rest() {
    this.#keeper.close();
    this.#reporting.stop();
  }
}

const keyOf = (id) => `party:${id}`;
