/**
 * @file How often a player may be sent elsewhere to correct an error. `benchmarks/party/allowance.py` is the same in
 * Python.
 */

/** So many at once, and one more in so long, ms. */
const SEEKS = 4;
const EVERY_MS = 30_000;

export class Allowance {
  #left = SEEKS;
  #countedAt = 0;

  allows(now) {
    this.#left = Math.min(SEEKS, this.#left + (now - this.#countedAt) / EVERY_MS);
    this.#countedAt = now;
    return this.#left >= 1;
  }

  take() {
    this.#left -= 1;
  }
}
