/**
 * @file One namespace over the official Socket.IO client: commands that are done once, streams that lose nothing.
 */
import { Listeners, MyPickError, backOff, newId } from "./errors.js";
import { Stream } from "./stream.js";

/** Commands that carry a `cid`, made here if the caller gives none: sent again, they change nothing. */
const WITH_CID = new Set([
  "send-message",
  "edit-message",
  "delete-message",
  "react",
  "pin-message",
  "timeout-member",
  "ban-member",
  "unban-member",
  "set-room-mode",
  "decide-held",
  "report-message",
  "control",
  "party-message",
  "transfer-host",
  "claim-host",
  "kick-member",
  "queue-add",
  "queue-remove",
  "queue-vote",
  "queue-next",
]);

/** Commands that may be sent again by their nature. */
const IDEMPOTENT = /^(sync|clock|refresh-auth|history|mark-read|ready|report|(join|leave)-.+)$/;

/** Commands that wait for a connection or a reply; one more is refused with `QUEUE_FULL`. */
const MAX_PENDING = 100;
/** A wait that the server asks for is kept up to this; a longer one goes to the caller, ms. */
const MAX_ASKED_WAIT_MS = 10_000;

export class Namespace {
  #listeners = new Listeners();
  #pending = new Set();
  #streams = new Map();
  #state = "closed";
  #failures = 0;
  #timer = null;
  #wanted = false;

  /** Made by `MyPick.namespace`. */
  constructor({ name, socket, session, clock, random, onDraining }) {
    this.name = name;
    this.socket = socket;
    this.session = session;
    this.clock = clock;
    this.random = random;
    this.#wire(onDraining);
  }

  /** `closed`, `connecting`, `online`, `reconnecting`, `draining` or `signed-out`. */
  get state() {
    return this.#state;
  }

  /** Opens the connection. It is kept open until `close`. */
  connect() {
    if (this.#wanted) return this;
    this.#wanted = true;
    this.#become("connecting");
    this.socket.connect();
    return this;
  }

  /** Closes the connection; commands that wait fail with `CLOSED`. */
  close() {
    this.#wanted = false;
    this.#cancel();
    this.socket.disconnect();
    for (const entry of [...this.#pending]) this.#fail(entry, new MyPickError("CLOSED", "The connection was closed."));
    this.#become("closed");
  }

  /**
   * Listens to an event of the server.
   * @param {string} event
   * @param {(payload: any) => void} listener
   * @returns {() => void} takes the listener away
   */
  on(event, listener) {
    return this.#listeners.on("event:" + event, listener);
  }

  /** Calls `listener(state, error?)` now and at every change. */
  onState(listener) {
    listener(this.#state);
    return this.#listeners.on("state", listener);
  }

  /**
   * Sends a command and gives the `data` of its ack.
   *
   * Lost replies and failures that can pass are tried again after a growing, random wait, with the same `cid`; what
   * waits for a connection is sent in the order it was given. A command that is neither idempotent nor carries a `cid`
   * is never sent twice.
   *
   * @param {string} event
   * @param {object} [data]
   * @param {object} [options]
   * @param {number} [options.timeout] wait for one reply, ms
   * @param {number} [options.retries] tries after the first
   * @param {number} [options.expires] wait for everything, ms, a missing connection included
   * @param {boolean} [options.idempotent] for a command that this client does not know
   * @returns {Promise<any>}
   */
  emit(event, data = {}, { timeout = 5_000, retries = 5, expires = 60_000, idempotent } = {}) {
    if (!this.#wanted) return Promise.reject(new MyPickError("CLOSED", "Call connect() first."));
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new MyPickError("QUEUE_FULL", `${MAX_PENDING} commands wait already. Try again later.`));
    }
    const body = WITH_CID.has(event) && data.cid === undefined ? { ...data, cid: newId() } : data;
    return new Promise((resolve, reject) => {
      const entry = { event, body, timeout, retries, resolve, reject, attempt: 0, inFlight: false, timer: null };
      entry.safe = idempotent ?? (body.cid !== undefined || IDEMPOTENT.test(event));
      entry.expires_at = this.clock.now() + expires;
      entry.expiry = this.clock.setTimeout(() => {
        const sent = entry.attempt > 0;
        this.#fail(entry, entry.error ?? (sent ? noReply(entry) : offline()));
      }, expires);
      this.#pending.add(entry);
      if (this.socket.connected) this.#transmit(entry);
    });
  }

  /** Sends an event that has no ack, such as `typing`; without a connection it is dropped. */
  send(event, data = {}) {
    if (this.socket.connected) this.socket.volatile.emit(event, data);
  }

  /**
   * Follows a durable stream of this namespace. See `Stream` for the options.
   * @param {string} key
   * @param {object} options
   * @returns {Stream}
   */
  stream(key, options) {
    this.#streams.get(key)?.close();
    const sync = (asked) => this.emit("sync", asked, { timeout: 10_000, retries: 0, expires: 15_000 });
    const stream = new Stream(key, { sync, clock: this.clock, random: this.random, ...options });
    this.#streams.set(key, stream);
    if (this.socket.connected) stream.resume();
    return stream;
  }

  /** Stops following a stream. */
  forget(key) {
    this.#streams.get(key)?.close();
    this.#streams.delete(key);
  }

  /**
   * Measures the server's clock: of `rounds` exchanges the one with the shortest way counts.
   * @returns {Promise<{offset: number, rtt: number, now: () => number}>} ms; `now()` is the server's time
   */
  async syncClock(rounds = 8) {
    let best = null;
    for (let round = 0; round < rounds; round += 1) {
      const sent = this.clock.monotonic();
      const { t1, t2 } = await this.emit("clock", { t0: sent }, { timeout: 2_000, retries: 2 });
      const received = this.clock.monotonic();
      const rtt = received - sent - (t2 - t1);
      if (!best || rtt < best.rtt) best = { rtt, offset: (t1 - sent + (t2 - received)) / 2 };
    }
    return { ...best, now: () => this.clock.monotonic() + best.offset };
  }

  /** The server goes down: whatever closes now, do not come back before `comeBack`. */
  drain() {
    if (!this.#wanted) return;
    this.#cancel();
    this.#become("draining");
  }

  comeBack() {
    if (!this.#wanted || this.#state !== "draining") return;
    this.#become("reconnecting");
    this.socket.connect();
  }

  #wire(onDraining) {
    const { socket } = this;
    socket.on("connect", () => {
      this.#failures = 0;
      this.#cancel();
      this.#become("online");
      for (const entry of this.#pending) if (!entry.inFlight) this.#transmit(entry);
      for (const stream of this.#streams.values()) stream.resume();
    });
    socket.on("disconnect", (reason) => {
      for (const stream of this.#streams.values()) stream.pause();
      if (!this.#wanted || this.#state === "draining") return;
      this.#become("reconnecting");
      // After these two the official client does not come back by itself.
      if (reason === "io server disconnect" || reason === "io client disconnect") this.#later();
    });
    socket.on("connect_error", (error) => this.#refused(error));
    socket.on("auth-expiring", () => this.#refreshAuth());
    socket.on("server-draining", ({ reconnect_after_ms: ms }) => onDraining(ms));
    socket.on("lagged", ({ stream, head_seq: head }) => this.#streams.get(stream)?.reached(head));
    // A token or session that ended is no end of a membership: the stream goes on with the next token.
    socket.on("evicted", ({ stream, code }) => code !== "UNAUTHENTICATED" && this.forget(stream));
    socket.onAny((event, payload) => {
      this.#listeners.emit("event:" + event, payload);
      if (Number.isInteger(payload?.seq) && typeof payload.stream === "string") {
        this.#streams.get(payload.stream)?.receive({ type: event, ...payload });
      }
    });
  }

  #refused(error) {
    if (!this.#wanted) return;
    if (error.data?.code === "UNAUTHENTICATED") {
      const refused = this.token;
      this.session.token({ not: refused }).then(
        (token) => (token && token !== refused ? this.#later() : this.#signedOut()),
        (failure) => (failure.code === "UNAUTHENTICATED" ? this.#signedOut() : this.#later()),
      );
      return;
    }
    const failure = error.data?.code
      ? MyPickError.fromAck(error.data)
      : new MyPickError("OFFLINE", "The server cannot be reached.", { retryable: true });
    if (this.#state !== "draining") this.#become("reconnecting", failure);
    if (!this.socket.active) this.#later(failure.retryAfterMs ?? 0); // active: the official client tries by itself
  }

  #signedOut() {
    this.#wanted = false;
    this.#become("signed-out");
    for (const entry of [...this.#pending]) {
      this.#fail(entry, new MyPickError("UNAUTHENTICATED", "Your session has ended. Sign in again."));
    }
  }

  #later(atLeast = 0) {
    this.#cancel();
    const ms = Math.max(atLeast, backOff(this.#failures, this.random));
    this.#failures += 1;
    this.#timer = this.clock.setTimeout(() => this.#wanted && this.socket.connect(), ms);
  }

  #cancel() {
    if (this.#timer !== null) this.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #refreshAuth() {
    try {
      const token = await this.session.token({ not: this.token });
      if (!token) return;
      await this.emit("refresh-auth", { token }, { retries: 2, expires: 45_000 });
      this.token = token;
    } catch {
      // The server closes the socket when the token ends; the next connection asks for a token again.
    }
  }

  #transmit(entry) {
    if (entry.timer !== null) this.clock.clearTimeout(entry.timer);
    entry.timer = null;
    entry.attempt += 1;
    entry.inFlight = true;
    this.socket.timeout(entry.timeout).emit(entry.event, entry.body, (lost, reply) => {
      entry.inFlight = false;
      if (!this.#pending.has(entry)) return;
      if (lost) {
        if (entry.safe) this.#again(entry, noReply(entry));
        else this.#fail(entry, noReply(entry, false));
      } else if (reply?.ok) {
        this.#settle(entry);
        entry.resolve(reply.data);
      } else {
        const error = MyPickError.fromAck(reply?.error);
        if (error.retryable && (error.retryAfterMs ?? 0) <= MAX_ASKED_WAIT_MS) this.#again(entry, error);
        else this.#fail(entry, error);
      }
    });
  }

  #again(entry, error) {
    entry.error = error;
    if (entry.attempt > entry.retries) {
      this.#fail(entry, error);
      return;
    }
    if (!this.socket.connected) return; // sent when the connection is back
    const pause = Math.max(error.retryAfterMs ?? 0, backOff(entry.attempt - 1, this.random, { cap: 5_000 }));
    entry.timer = this.clock.setTimeout(() => this.socket.connected && this.#transmit(entry), pause);
  }

  #fail(entry, error) {
    this.#settle(entry);
    entry.reject(error);
  }

  #settle(entry) {
    this.#pending.delete(entry);
    this.clock.clearTimeout(entry.expiry);
    if (entry.timer !== null) this.clock.clearTimeout(entry.timer);
  }

  #become(state, error) {
    if (state === this.#state && !error) return;
    this.#state = state;
    this.#listeners.emit("state", state, error);
  }
}

function noReply(entry, safe = true) {
  const message = safe
    ? `The server did not answer "${entry.event}" in time. Try again.`
    : `The server did not answer "${entry.event}" in time; it may have been done. Look before you try again.`;
  return new MyPickError("TIMEOUT", message, { retryable: safe });
}

const offline = () =>
  new MyPickError("OFFLINE", "There is no connection to the server. Check the network and try again.", { retryable: true });
