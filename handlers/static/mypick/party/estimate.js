/**
 * @file How far a player is off, from readings that are each a little wrong. `benchmarks/party/estimate.py` is the same
 * in Python.
 */

/** Of one reading, once there are many. */
const GAIN = 0.2;
/** A reading that differs by so much from what was foreseen: what was believed counts half, ms. */
const SURPRISE_MS = 40;

/**
 * What is known of the error: behind the timeline if positive, ms. Between readings it changes by the speed that the
 * player was told, so that a correction is seen at once and not when enough readings have come.
 */
export class Estimate {
  /** @type {number | null} */ value = null;
  #readings = 0;
  #at = 0;

  forget() {
    this.value = null;
    this.#readings = 0;
  }

  /** Known from elsewhere: the first reading replaces it. */
  suppose(now, value) {
    this.value = value;
    this.#readings = 0;
    this.#at = now;
  }

  /** Without a reading. `faster`: how much the player's speed is above the timeline's. */
  foresee(now, faster) {
    this.value = (this.value ?? 0) - faster * (now - this.#at);
    this.#at = now;
    return this.value;
  }

  /** With one. */
  read(now, raw, faster) {
    if (this.value === null || this.#readings === 0) {
      this.#readings = 1;
      this.value = raw;
    } else {
      const foreseen = this.value - faster * (now - this.#at);
      const surprise = raw - foreseen;
      this.#readings = Math.abs(surprise) > SURPRISE_MS ? 2 : this.#readings + 1;
      this.value = foreseen + Math.max(GAIN, 1 / this.#readings) * surprise;
    }
    this.#at = now;
    return this.value;
  }
}
