/**
 * @file Telling the server of one's player: that it is ready to start, and now and then how far it is off.
 */

/** Between two reports, ms. */
const REPORT_MS = 10_000;

export class Reporting {
  #options;
  #timer = null;
  #readyFor = 0; // seq of the timeline

  /**
   * @param {object} options
   * @param {import("../errors.js").Clock} options.time
   * @param {import("./keeper.js").Keeper} options.keeper
   * @param {() => number | null} options.seq of the newest timeline that is known; null while nobody listens
   * @param {(event: "ready" | "report", said: object, options: object) => Promise<any>} options.send
   */
  constructor(options) {
    this.#options = options;
  }

  start() {
    this.stop();
    this.#timer = this.#options.time.setTimeout(() => {
      this.#report();
      this.start();
    }, REPORT_MS);
  }

  stop() {
    this.#options.time.clearTimeout(this.#timer);
  }

  /** Another player has to get ready anew. */
  forget() {
    this.#readyFor = 0;
  }

  /**
   * A party that waits waits for this: said once, when the player stands where it will start.
   * @param {import("./decision.js").Decision} decision
   */
  ready({ mode, commands }, seq) {
    if (this.#readyFor === seq || mode !== "standing" || commands.length) return;
    this.#readyFor = seq;
    const buffered = this.#options.keeper.player.bufferedMs?.() ?? null;
    const said = { seq, state: "ready", ...(buffered === null ? {} : { buffered_ms: Math.round(buffered) }) };
    this.#options.send("ready", said, { retries: 2, expires: 5_000 }).catch(() => this.forget());
  }

  /** The speed that corrects is nobody's business: what is reported is where one is. */
  #report() {
    const { drift, player, now, clock } = this.#options.keeper;
    const seq = this.#options.seq();
    if (seq === null || now === null || !drift || drift.error === null) return;
    const said = {
      seq,
      position_ms: Math.max(0, player.read().position_ms),
      at_ms: now,
      error_ms: -drift.error, // on the wire who is ahead is above 0
      rtt_ms: clock.rtt,
    };
    this.#options.send("report", said, { retries: 0, expires: 5_000 }).catch(() => {});
  }
}
