/**
 * @file Holds one player to a party's timeline: asks the server's clock, looks at the player, tells it what to do.
 */
import { ServerClock } from "./clock.js";
import { Drift } from "./drift.js";

/** A question of the clock that is not answered by then says nothing, ms. */
const CLOCK_MS = 3_000;
/** While there is nothing to hold, ms. */
const IDLE_MS = 250;

export class Keeper {
  clock = new ServerClock();
  /** @type {Drift | null} */ drift = null;
  /** @type {import("./html5.js").Player | null} */ player = null;
  #options;
  #stopPlayer = () => {};
  #looking = null;
  #asking = null;
  #round = 0; // of questions: those of an earlier one are void

  /**
   * @param {object} options
   * @param {import("../errors.js").Clock} options.time
   * @param {import("./timeline.js").PartyTimeline} options.timeline
   * @param {() => Promise<{t1: number, t2: number}> | null} options.ask asks the server's clock; null without a connection
   * @param {(decision: import("./decision.js").Decision) => void} options.onLook
   */
  constructor(options) {
    this.#options = options;
  }

  /** The server's time, ms; null while it is not known well enough. */
  get now() {
    return this.clock.settled ? this.clock.now(this.#options.time.monotonic()) : null;
  }

  /** Asks the clock, in a burst at first: after coming in, and after coming back, perhaps to another server. */
  connected() {
    this.clock.burst();
    this.#round += 1;
    this.#ask(this.#round);
    this.look();
  }

  /** Asks no more until `connected`. */
  disconnected() {
    this.#round += 1;
    this.#options.time.clearTimeout(this.#asking);
  }

  /** @param {import("./html5.js").Player} player */
  attach(player) {
    this.detach();
    this.player = player;
    this.drift = new Drift(this.#options.timeline, player.rates, player.settle);
    this.#stopPlayer = player.onChange(() => this.look());
    this.look();
  }

  detach() {
    this.#stopPlayer();
    this.player?.release?.();
    this.player = this.drift = null;
  }

  close() {
    this.disconnected();
    this.detach();
    this.#options.time.clearTimeout(this.#looking);
  }

  /** Looks at the player now, and makes the next appointment. */
  look() {
    const { time, timeline, onLook } = this.#options;
    time.clearTimeout(this.#looking);
    if (!this.clock.awake(time.monotonic(), time.now())) {
      this.drift?.forget();
      this.#round += 1;
      this.#ask(this.#round);
    }
    const now = this.now;
    let wait = IDLE_MS;
    if (now !== null && this.player && this.drift) {
      const decision = this.drift.tick(now, this.player.read());
      for (const [command, value] of decision.commands) this.#tell(command, value);
      timeline.settle(now);
      onLook(decision);
      wait = Math.max(0, decision.wake_at - now);
    }
    this.#looking = time.setTimeout(() => this.look(), wait);
  }

  #tell(command, value) {
    if (command === "play") this.player.play();
    else if (command === "pause") this.player.pause();
    else if (command === "seek") this.player.seek(value);
    else this.player.setRate(value);
  }

  /** One question after the other: who waits for an answer asks no second one. */
  async #ask(round) {
    const { time, ask } = this.#options;
    if (round !== this.#round) return;
    const sent = time.monotonic();
    try {
      const answer = await ask(CLOCK_MS);
      if (round !== this.#round) return;
      if (answer) this.clock.add(sent, answer.t1, answer.t2, time.monotonic());
    } catch {
      if (round !== this.#round) return;
    }
    const wait = Math.max(0, this.clock.wait - (time.monotonic() - sent));
    this.#asking = time.setTimeout(() => this.#ask(round), wait);
    if (this.clock.taken <= 4) this.look();
  }
}
