/**
 * @file How long a player takes to obey, learned from what it did. `benchmarks/party/latency.py` is the same in Python.
 */

/** Measurements kept. */
const KEPT = 9;

/** The median of the last nine. One stall in the middle of a start moves a mean for long, and a median not. */
export class Latency {
  #seen = [];
  #assumed;
  #high;
  #most;

  /** `assumed` and `high` until there are measurements; nothing above `most` is believed. All ms. */
  constructor(assumed, high, most) {
    this.#assumed = assumed;
    this.#high = high;
    this.#most = most;
  }

  /** Takes one measurement; what is no latency (a stall, an ad) is left out. */
  learn(measured) {
    if (!(measured >= -50 && measured <= this.#most)) return;
    this.#seen.push(Math.max(0, measured));
    if (this.#seen.length > KEPT) this.#seen.shift();
  }

  /** What to aim with, ms. */
  get usual() {
    if (!this.#seen.length) return this.#assumed;
    const ordered = [...this.#seen].sort((a, b) => a - b);
    const middle = Math.floor(ordered.length / 2);
    return ordered.length % 2 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
  }

  /** What to leave room for, ms: with few measurements the assumed one still counts. */
  get high() {
    const seen = this.#seen.length ? Math.max(...this.#seen) : this.#high;
    return this.#seen.length < 3 ? Math.max(seen, this.#high) : seen;
  }
}
