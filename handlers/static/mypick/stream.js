/**
 * @file One durable stream: every event once, in order, whatever the network does.
 */
import { MyPickError, backOff, reportLater, systemClock, wait } from "./errors.js";

/** Tries of `sync` without progress before `onError` is told; the next event or connection begins anew. */
const MAX_FAILURES = 8;

/**
 * @typedef {object} StreamEvent
 * @property {string} type name of the event
 * @property {string} stream
 * @property {string} epoch
 * @property {number} seq
 * @property {any} data
 *
 * @typedef {{epoch: string, seq: number}} Position
 *
 * @typedef {object} SyncReply
 * @property {string} epoch
 * @property {number} head_seq
 * @property {boolean} reset the position asked for is gone: take the snapshot instead
 * @property {StreamEvent[]} events
 * @property {boolean} more
 */

/**
 * Keeps `{epoch, seq}` of one stream and calls `onEvent` for each event exactly once, in order of `seq`.
 *
 * An event with `seq` = last + 1 is applied, a lower one is ignored, a higher one is held (500 at most) while
 * `sync` brings what is missing. When the server says `reset`, `onReset` gets its reply: drop what was built from the
 * stream and build it anew.
 */
export class Stream {
  /** @type {string | null} */ epoch = null;
  seq = 0;
  #held = new Map(); // seq → event of our epoch that came too early
  #foreign = new Map(); // seq → event of another epoch: a reset is on its way
  #target = 0; // highest seq heard of
  #odd = false; // an event of another epoch came since the last sync was sent
  #online = false;
  #closed = false;
  #again = false;
  #running = false;

  /**
   * @param {string} key for example `inbox:17`
   * @param {object} options
   * @param {(asked: object) => Promise<SyncReply>} options.sync
   * @param {(event: StreamEvent) => void} options.onEvent
   * @param {(reply: SyncReply) => void} [options.onReset]
   * @param {(error: MyPickError) => void} [options.onError] the stream stays behind until the next event or connection
   * @param {(position: Position) => void} [options.onPosition] keep it to go on from here another day
   * @param {Position} [options.position] where to go on
   * @param {boolean} [options.waitForSnapshot] ask for nothing before `begin` has said where to start
   * @param {number} [options.limit] events of one sync, 1 to 200
   * @param {number} [options.maxHeld] events held while a gap is closed
   * @param {import("./errors.js").Clock} [options.clock]
   * @param {() => number} [options.random]
   */
  constructor(key, options) {
    this.key = key;
    this.options = { limit: 200, maxHeld: 500, clock: systemClock, random: Math.random, ...options };
    if (options.position) this.begin(options.position);
  }

  /** @returns {Position | null} */
  get position() {
    return this.epoch === null ? null : { epoch: this.epoch, seq: this.seq };
  }

  /** True once nothing more will come: it was closed here, or the server evicted it. */
  get closed() {
    return this.#closed;
  }

  /** True while something is known to be missing. */
  get behind() {
    return this.#running || this.seq < this.#target || this.#odd;
  }

  /** Starts from a snapshot that already holds everything up to `seq`. */
  begin({ epoch, seq }) {
    this.#take(epoch, seq);
    this.#drain();
    if (this.behind) this.#catchUp();
  }

  /** Hands over one event as it came from the socket. */
  receive(event) {
    if (this.#closed) return;
    if (event.epoch !== this.epoch) {
      this.#hold(this.#foreign, event);
      this.#odd = true;
      if (this.epoch !== null) this.#catchUp();
      return;
    }
    this.#target = Math.max(this.#target, event.seq);
    if (event.seq <= this.seq) return;
    if (event.seq === this.seq + 1) {
      this.#apply(event);
      this.#drain();
    } else {
      this.#hold(this.#held, event);
      this.#catchUp();
    }
  }

  /** The server says that the stream has reached `headSeq`: fetch what is missing. */
  reached(headSeq, epoch = this.epoch) {
    if (this.epoch === null) return;
    if (epoch !== this.epoch) this.#odd = true;
    else this.#target = Math.max(this.#target, headSeq);
    if (this.behind) this.#catchUp();
  }

  /** The connection is there (again): ask for what was missed. */
  resume() {
    if (this.#closed) return;
    this.#online = true;
    if (this.epoch !== null || !this.options.waitForSnapshot) this.#catchUp();
  }

  /** The connection is gone: asking is of no use now. */
  pause() {
    this.#online = false;
  }

  close() {
    this.#closed = true;
    this.#held.clear();
    this.#foreign.clear();
  }

  #take(epoch, seq) {
    const sameEpoch = epoch === this.epoch;
    // What was heard of stays true in the same epoch, unless the server sends us back to before it.
    this.#target = sameEpoch && seq >= this.seq ? Math.max(this.#target, seq) : seq;
    this.epoch = epoch;
    this.seq = seq;
    if (!sameEpoch) this.#held.clear();
    this.#odd = false;
    for (const event of this.#foreign.values()) {
      if (event.epoch !== epoch) continue;
      this.#hold(this.#held, event);
      this.#target = Math.max(this.#target, event.seq);
    }
    this.#foreign.clear();
    this.options.onPosition?.(this.position);
  }

  #hold(shelf, event) {
    shelf.set(event.seq, event);
    // The highest goes first: the lower ones are needed sooner, and sync brings it back.
    if (shelf.size > this.options.maxHeld) shelf.delete(Math.max(...shelf.keys()));
  }

  #apply(event) {
    this.seq = event.seq; // before the call, so that a callback that hands over events cannot apply this one twice
    this.#target = Math.max(this.#target, event.seq);
    try {
      this.options.onEvent(event);
    } catch (error) {
      reportLater(error);
    }
    this.options.onPosition?.(this.position);
  }

  #drain() {
    for (const seq of this.#held.keys()) if (seq <= this.seq) this.#held.delete(seq);
    for (let next; (next = this.#held.get(this.seq + 1)); ) {
      this.#held.delete(next.seq);
      this.#apply(next);
    }
  }

  #catchUp() {
    if (this.#closed || !this.#online) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#loop()
      .catch(reportLater)
      .finally(() => {
        this.#running = false;
        if (this.#again) {
          this.#again = false;
          this.#catchUp();
        }
      });
  }

  async #loop() {
    const { clock, random, limit, sync, onError } = this.options;
    for (let failures = 0; this.#online && !this.#closed; ) {
      this.#again = false;
      const asked = { stream: this.key, after_seq: this.seq, limit };
      if (this.epoch !== null) asked.epoch = this.epoch;
      const before = this.epoch + ":" + this.seq;
      let pause = 0;
      try {
        this.#odd = false;
        const reply = await sync(asked);
        if (this.#closed) return;
        this.#accept(reply, asked);
        const moved = before !== this.epoch + ":" + this.seq;
        if (!reply.more && !this.#odd && this.seq >= this.#target) return;
        failures = moved ? 0 : failures + 1;
        if (!moved && failures >= MAX_FAILURES) {
          throw new MyPickError("UNAVAILABLE", `The server did not send what is missing of ${this.key}.`);
        }
        pause = moved ? 0 : backOff(failures, random);
      } catch (error) {
        if (this.#closed || !this.#online) return;
        failures += 1;
        if (!error.retryable || failures >= MAX_FAILURES) {
          onError?.(error);
          return;
        }
        pause = Math.max(backOff(failures, random), error.retryAfterMs ?? 0);
      }
      if (pause > 0) await wait(clock, pause);
    }
  }

  #accept(reply, asked) {
    // Live events may have moved us on while the reply travelled: a lower seq in it is then simply ignored below.
    if (reply.reset) {
      if (this.epoch === reply.epoch && this.seq > asked.after_seq && this.seq >= reply.head_seq) return;
      this.#take(reply.epoch, reply.events.length ? reply.events[0].seq - 1 : reply.head_seq);
      this.#target = Math.max(this.#target, reply.head_seq);
      try {
        this.options.onReset?.(reply);
      } catch (error) {
        reportLater(error);
      }
    } else if (this.epoch === null) {
      this.#take(reply.epoch, asked.after_seq);
    } else if (reply.epoch !== this.epoch) {
      this.#odd = true; // a reply from before a reset; ask again
      return;
    }
    this.#target = Math.max(this.#target, reply.head_seq);
    for (const event of reply.events) {
      if (event.seq === this.seq + 1) this.#apply(event);
    }
    this.#drain();
  }
}
