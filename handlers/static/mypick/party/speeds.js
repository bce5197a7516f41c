/**
 * @file Which speed takes an error away: gentle ones where the player has them, else bursts of those that it has.
 * `benchmarks/party/speeds.py` is the same in Python.
 */

/** An error is corrected from the first, until it is below the second, ms. */
export const START_MS = 15;
const STOP_MS = 5;
/** Most that a speed differs from the party's, as a share. */
const GENTLE = 0.05;
const FIRM = 0.1;
/** Errors above this may be corrected firmly, ms. */
const FIRM_MS = 250;
/** An error that gentle speeds can take away shrinks to a third in this, ms. */
const TIME_MS = 1_500;
/** Gentle speeds are changed in steps of this. */
const STEP = 0.01;
/** Bursts begin above this, ms, and take the second at most. */
const COARSE_START_MS = 40;
const COARSE_MS = 2_000;
/** How it is found out whether a player obeys fine speeds, and the share of the effect from which on it has. */
const PROBE = 0.05;
const PROBE_MS = 2_000;
const OBEYED = 0.5;
/** What players have that obey no fine ones. */
const COMMON = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/** @typedef {"fine" | "unknown" | number[]} Rates any; to be found out; or the speeds that there are, ascending */

export class Speeds {
  #correcting = false;
  /** @type {number | null} */ #ends = null; // of a burst
  #speed = 1;
  /** @type {[number, number] | null} */ #probe = null; // begun at, position then

  /** @param {Rates} rates */
  constructor(rates) {
    /** @type {Rates} */ this.rates = rates;
  }

  /** What is under way is over: the player stands, jumps or is not believed. */
  stop() {
    this.#correcting = false;
    this.#ends = null;
    this.#probe = null;
  }

  /**
   * The speed for an `error` of so many ms (behind if positive), and when to look again at the latest.
   * @returns {[number, number | null]}
   */
  choose(now, error, position, base) {
    if (this.rates === "fine") return [this.#fine(error, base), null];
    if (this.rates === "unknown") return this.#findOut(now, error, position, base);
    return this.#coarse(now, error, base);
  }

  #fine(error, base) {
    const size = Math.abs(error);
    this.#correcting = size > (this.#correcting ? STOP_MS : START_MS);
    if (!this.#correcting) return base;
    const most = size > FIRM_MS ? FIRM : GENTLE;
    const share = Math.min(most, Math.ceil(size / TIME_MS / STEP) * STEP);
    return error > 0 ? base * (1 + share) : base * (1 - share);
  }

  #coarse(now, error, base) {
    if (this.#ends !== null) {
      if (now < this.#ends) return [this.#speed, this.#ends];
      this.#ends = null;
      return [base, null];
    }
    const size = Math.abs(error);
    const speed = this.#beside(base, error > 0);
    if (size <= COARSE_START_MS || speed === base) return [base, null];
    this.#speed = speed;
    this.#ends = now + Math.min(COARSE_MS, size / Math.abs(speed - base));
    return [speed, this.#ends];
  }

  /** The next speed that the player has; the same where there is none. */
  #beside(base, faster) {
    const rates = Array.isArray(this.rates) ? this.rates : COMMON;
    const found = rates.filter((rate) => (faster ? rate > base : rate < base));
    if (!found.length) return base;
    return faster ? Math.min(...found) : Math.max(...found);
  }

  #findOut(now, error, position, base) {
    if (this.#probe === null) {
      if (Math.abs(error) <= START_MS) return [base, null];
      this.#probe = [now, position];
      this.#speed = error > 0 ? base * (1 + PROBE) : base * (1 - PROBE);
    }
    const [begun, start] = this.#probe;
    if (now - begun < PROBE_MS) return [this.#speed, begun + PROBE_MS];
    const went = (position - start) / (now - begun);
    const obeyed = (went - base) / (this.#speed - base);
    this.rates = obeyed > OBEYED ? "fine" : COMMON;
    this.#probe = null;
    return this.choose(now, error, position, base);
  }
}
