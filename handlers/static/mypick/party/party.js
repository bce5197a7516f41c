/**
 * @file A watch party: what is played, who is there, and a player that is kept in step.
 */
import { Listeners, MyPickError } from "../errors.js";
import { Keeper } from "./keeper.js";
import { Steering } from "./steering.js";
import { Announced, PartyTimeline } from "./timeline.js";

/** Between two reports of how far one is off, ms. */
const REPORT_MS = 10_000;
/** Tries to come in after the stream has given up, ms. */
const AGAIN_MS = 10_000;

/**
 * Keeps a party live. Events (`on`): `about` (party, role, people or queue), `timeline` (something else is played, or
 * otherwise), `step` (each look at the player: how far off it is), `event` (each durable event), `reactions`, `state`.
 */
export class Party {
  /** `joining`, `live`, `away` (no connection) or `out` (see `error`). */
  state = "joining";
  /** @type {MyPickError | null} */ error = null;
  /** As the server shows it. */ party = null;
  role = null;
  online = 0;
  /** @type {Map<number, {user: object, role: string, since_ms: number | null}>} */ members = new Map();
  queue = [];
  /** @type {import("./decision.js").Decision | null} */ step = null;
  #listeners = new Listeners();
  #timeline = new PartyTimeline();
  #epoch = null;
  #readyFor = 0;
  #contentId = null; // of the player
  #keeper;
  #steering;
  #stream = null;
  #joinedOn = null;
  #stops = [];
  #reporting = null;

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
  }

  /** @returns {() => void} takes the listener away */
  on(event, listener) {
    return this.#listeners.on(event, listener);
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

  /** Comes in, and comes back after every cut, until `close`. */
  open() {
    this.#stop();
    this.#become("joining");
    const { namespace } = this;
    const here = (listener) => (told) => told.party_id === this.id && listener(told);
    this.#stops = [
      namespace.onState((state) => this.#connection(state)),
      namespace.on("presence", here(({ online }) => this.#about({ online }))),
      namespace.on("reactions", here((told) => this.#listeners.emit("reactions", told))),
      namespace.on("evicted", (told) => told.stream === this.#stream?.key && this.#evicted(told)),
    ];
    if (this.id !== null) this.#follow();
    else this.#comeInByInvite();
    this.#reportLater();
    return this;
  }

  /** Goes out. */
  close() {
    const inside = this.namespace.state === "online" && this.#joinedOn !== null;
    this.#stop();
    this.#keeper.close();
    if (inside) this.namespace.emit("leave-party", { party_id: this.id }).catch(() => {});
  }

  /**
   * Gives the player that shows `contentId`. Call it again for each other content: `timeline` tells of it.
   * @param {import("./html5.js").Player} player
   */
  attach(player, contentId = this.latest?.content_id ?? null) {
    this.#contentId = contentId;
    this.#readyFor = 0;
    this.#keeper.attach(player);
  }

  detach() {
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

  /** Any other command of the party: `claim-host`, `kick-member`, `party-message` … */
  ask(command, more = {}) {
    return this.namespace.emit(command, { party_id: this.id, ...more });
  }

  // ---- the timeline ----

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
    const latest = this.latest;
    if (latest?.status === "waiting" && latest.content_id === this.#contentId) this.#sayReady(decision, latest.seq);
    this.#listeners.emit("step", decision);
  }

  /** A party that waits waits for this. */
  #sayReady({ mode, commands }, seq) {
    if (this.state !== "live" || this.#readyFor === seq || mode !== "standing" || commands.length) return;
    this.#readyFor = seq;
    const buffered = this.#keeper.player.bufferedMs?.() ?? null;
    const said = { party_id: this.id, seq, state: "ready", ...(buffered === null ? {} : { buffered_ms: Math.round(buffered) }) };
    this.namespace.emit("ready", said, { retries: 2, expires: 5_000 }).catch(() => (this.#readyFor = 0));
  }

  #reportLater() {
    this.#reporting = this.namespace.clock.setTimeout(() => {
      this.#report();
      this.#reportLater();
    }, REPORT_MS);
  }

  /** The speed that corrects is nobody's business: what is reported is where one is. */
  #report() {
    const { drift, player, now } = this.#keeper;
    if (this.state !== "live" || now === null || !drift || drift.error === null || !this.latest) return;
    const said = {
      party_id: this.id,
      seq: this.latest.seq,
      position_ms: Math.max(0, player.read().position_ms),
      at_ms: now,
      error_ms: -drift.error, // on the wire who is ahead is above 0
      rtt_ms: this.rtt,
    };
    this.namespace.emit("report", said, { retries: 0, expires: 5_000 }).catch(() => {});
  }

  // ---- coming in ----

  #follow() {
    this.key = `party:${this.id}`;
    this.#stream = this.namespace.stream(this.key, {
      sync: (asked) => this.#sync(asked),
      onEvent: (event) => this.#event(event),
      onError: (error) => this.#refused(error),
    });
  }

  async #comeInByInvite() {
    try {
      const { party } = await this.namespace.emit("join-party", { invite: this.invite });
      this.id = party.id;
      this.#follow();
    } catch (error) {
      this.#out(error);
    }
  }

  async #sync(asked) {
    const options = { timeout: 10_000, retries: 0, expires: 15_000 };
    const here = this.namespace.socket.id;
    if (this.#joinedOn === here) {
      const reply = await this.namespace.emit("sync", asked, options);
      if (!reply.reset) return reply;
    }
    const place = asked.epoch && this.#joinedOn !== here ? { epoch: asked.epoch, after_seq: asked.after_seq } : {};
    const reply = await this.namespace.emit("join-party", { party_id: this.id, ...place }, options);
    this.#joinedOn = here;
    this.#take(reply);
    this.#keeper.connected();
    this.error = null;
    this.#become("live");
    // Without a place that can be gone on from, the answer is whole: nothing is to be applied.
    return place.epoch && !reply.reset ? reply : { ...reply, reset: true, events: [], more: false };
  }

  #take(reply) {
    const { timeline } = reply;
    if (this.#epoch !== null && this.#epoch !== timeline.epoch) {
      this.#timeline.reset(new Announced(timeline.seq, timeline));
      this.#steering.forget();
    }
    this.#epoch = timeline.epoch;
    this.members = new Map(reply.members.map((member) => [member.user.id, member]));
    this.#about({ party: reply.party, role: reply.role, online: reply.online, queue: reply.queue });
    this.#announce(timeline.seq, timeline);
  }

  #event(event) {
    const { type, seq, actor, data } = event;
    if (type === "timeline") this.#announce(seq, data);
    else if (type === "member-joined") {
      this.members.set(actor.id, { user: actor, role: data.role, since_ms: data.since_ms });
      this.#about({});
    } else if (type === "member-left") {
      this.members.delete(data.user_id);
      this.#about({});
    } else if (type === "host-changed") this.#hosts(data);
    else if (type === "party-changed") {
      const { roles, ...changes } = data;
      for (const { user_id: id, role } of roles) this.#setRole(id, role);
      this.#about({ party: { ...this.party, ...changes } });
    } else if (type === "queue-changed" && data.queue) this.#about({ queue: data.queue });
    this.#listeners.emit("event", event);
  }

  #hosts({ host_id: id, former_host_id: former }) {
    if (this.members.get(former)?.role === "host" || this.user?.id === former) this.#setRole(former, "guest");
    this.#setRole(id, "host");
    this.#about({ party: { ...this.party, host: this.members.get(id)?.user ?? { id, name: "", avatar_url: null } } });
  }

  #setRole(id, role) {
    const member = this.members.get(id);
    if (member) this.members.set(id, { ...member, role });
    if (id === this.user?.id) this.role = role;
  }

  #connection(state) {
    if (state === "online" || this.state === "out") return; // coming in again says it
    this.#keeper.disconnected();
    if (state === "signed-out") this.#out(new MyPickError("UNAUTHENTICATED", "Your session has ended. Sign in again."));
    else if (this.state === "live") this.#become("away");
  }

  #refused(error) {
    if (!error.retryable) this.#out(error);
    else this.namespace.clock.setTimeout(() => this.namespace.state === "online" && this.#stream?.resume(), AGAIN_MS);
  }

  #evicted({ code, until = null, reason = null }) {
    this.#joinedOn = null;
    if (code !== "UNAUTHENTICATED") this.#out(new MyPickError(code, reason ?? "You were removed from the party.", { details: { until, reason } }));
  }

  #out(error) {
    this.error = error;
    this.#keeper.close();
    this.#become("out");
  }

  #about(changes) {
    Object.assign(this, changes);
    this.#listeners.emit("about");
  }

  #become(state) {
    if (state === this.state && state !== "out") return;
    this.state = state;
    this.#listeners.emit("state", state);
  }

  #stop() {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.namespace.clock.clearTimeout(this.#reporting);
    if (this.#stream) this.namespace.forget(this.#stream.key);
    this.#stream = null;
    this.#joinedOn = null;
  }
}
