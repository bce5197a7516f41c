/**
 * @file What a host tells a party: one command after the other, each meant for the timeline that its giver saw.
 */
import { MyPickError } from "../errors.js";

/** Commands that wait for the one before: one more is refused. */
const MAX_WAITING = 20;
/** A command is decided anew so often. */
const TRIES = 3;
/** Why a timeline moves without anybody having asked for it. */
const BY_ITSELF = new Set(["ready", "deadline"]);

export class Steering {
  #options;
  #acked = 0; // seq of the last own command: its event may still be on its way
  #last = Promise.resolve();
  #waiting = 0;

  /**
   * @param {object} options
   * @param {(command: object) => Promise<{seq: number}>} options.send
   * @param {() => number} options.seq of the newest timeline that is known
   * @param {(timeline: any) => import("./timeline.js").Announced} options.announce takes what a CONFLICT brings
   */
  constructor(options) {
    this.#options = options;
  }

  /** The stream begins anew. */
  forget() {
    this.#acked = 0;
  }

  /**
   * @param {string} op
   * @param {object} more
   * @param {(held: import("./timeline.js").Announced) => boolean} [done] a timeline on which nothing is left to do
   * @returns {Promise<{seq: number}>}
   * @throws {MyPickError} `CONFLICT` where somebody else was faster: what is played now has been announced already
   */
  command(op, more, done = () => false) {
    if (this.#waiting >= MAX_WAITING) {
      return Promise.reject(new MyPickError("QUEUE_FULL", `${MAX_WAITING} commands wait already. Try again later.`));
    }
    this.#waiting += 1;
    const result = this.#last.then(() => this.#decide(op, more, done)).finally(() => (this.#waiting -= 1));
    this.#last = result.catch(() => {});
    return result;
  }

  async #decide(op, more, done) {
    const { send, seq, announce } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        const reply = await send({ base_seq: Math.max(seq(), this.#acked), op, ...more });
        this.#acked = Math.max(this.#acked, reply.seq);
        return reply;
      } catch (error) {
        const current = error.code === "CONFLICT" ? error.details?.timeline : null;
        if (!current) throw error;
        if (done(announce(current))) return { seq: current.seq };
        // who asks to play or pause means it whatever else has changed; any other asker has to see that first
        if (tries >= TRIES || !(BY_ITSELF.has(current.reason) || op === "play" || op === "pause")) throw error;
      }
    }
  }
}
