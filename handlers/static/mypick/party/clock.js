/**
 * @file The server's clock, as one guest knows it.
 *
 * Four moments of an exchange (NTP, RFC 5905 §8): sent here, received there, sent there, received here. Half of what the
 * two ways differ by goes into the offset and cannot be seen from here, so the exchange with the shortest way counts,
 * which waited least in queues. `benchmarks/party/clock.py` is the same in Python.
 */

/** Samples kept. */
const WINDOW = 16;
/** Up to so many samples, one in so many ms: four at once, eight within 2 s. */
const BURST = [
  [4, 100],
  [8, 400],
];
/** Afterwards, ms. */
const EVERY_MS = 5_000;
/** What a sample loses by age, ms each ms: two clocks of 50 ppm may have parted by so much. */
const AGEING = 1e-4;
/** The time of day went on by so much more, or less, than the steady clock: the machine slept, or was set, ms. */
const SLEPT_WALL_MS = 250;
/** Nothing ran for so long, ms. */
const SLEPT_GAP_MS = 10_000;

/**
 * @typedef {object} Exchange
 * @property {number} at local, ms
 * @property {number} rtt without the time on the server, ms
 * @property {number} offset server minus local, ms
 */

/** Knows the server's time from exchanges. All times are ms; local ones are of a steady clock. */
export class ServerClock {
  /** @type {Exchange[]} */ #window = [];
  /** @type {Exchange | null} */ #best = null;
  #taken = 0; // since the last burst began
  /** @type {[number, number] | null} */ #ran = null;

  /** False until the first exchange, and again after a sleep. */
  get ready() {
    return this.#best !== null;
  }

  /** The first four exchanges are there: good enough to join with. */
  get settled() {
    return this.#window.length >= BURST[0][0];
  }

  /** Exchanges since the last burst began. */
  get taken() {
    return this.#taken;
  }

  /** Of the exchange that counts, ms; 0 before the first. */
  get rtt() {
    return this.#best ? this.#best.rtt : 0;
  }

  /** Server minus local, ms; 0 before the first exchange. */
  get offset() {
    return this.#best ? this.#best.offset : 0;
  }

  /** The server's time at `local`. */
  now(local) {
    return local + this.offset;
  }

  /** Ms from one question to the next. */
  get wait() {
    for (const [upto, pause] of BURST) if (this.#taken < upto) return pause;
    return EVERY_MS;
  }

  /** Takes an exchange: `t0` and `t3` local, `t1` and `t2` the server's. False for one that cannot be. */
  add(t0, t1, t2, t3) {
    const rtt = t3 - t0 - (t2 - t1);
    if (t3 < t0 || t2 < t1 || rtt < 0) return false;
    const sample = { at: t3, rtt, offset: (t1 - t0 + (t2 - t3)) / 2 };
    if (this.#best && !agree(this.#best, sample)) {
      this.#window = []; // one of the clocks was set: what was measured before says nothing
      this.#taken = 0;
    }
    this.#window.push(sample);
    if (this.#window.length > WINDOW) this.#window.shift();
    this.#taken += 1;
    const cost = (one) => one.rtt + (t3 - one.at) * AGEING;
    this.#best = this.#window.reduce((best, one) => (cost(one) < cost(best) ? one : best));
    return true;
  }

  /** Call this often. False, and everything is forgotten, if the machine has slept since the last call. */
  awake(local, wall) {
    const before = this.#ran;
    this.#ran = [local, wall];
    if (!before) return true;
    const gap = local - before[0];
    if (gap <= SLEPT_GAP_MS && Math.abs(wall - before[1] - gap) <= SLEPT_WALL_MS) return true;
    this.flush();
    return false;
  }

  /** Ask quickly for a while, and believe what is known meanwhile: the server may be another one now. */
  burst() {
    this.#taken = 0;
  }

  /** Forgets every exchange and asks anew, in a burst. */
  flush() {
    this.#window = [];
    this.#best = null;
    this.#taken = 0;
  }
}

/** Whether one offset can explain both: each is wrong by half of its way at most, and by what clocks part by. */
function agree(one, other) {
  const allowed = (one.rtt + other.rtt) / 2 + Math.abs(other.at - one.at) * AGEING + 1;
  return Math.abs(one.offset - other.offset) <= allowed;
}
