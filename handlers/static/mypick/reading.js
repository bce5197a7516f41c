/** @file The read marker of a room: it only moves on, and not for each message that passes the eyes. */

/** The read marker is moved at most this often, ms. */
const READ_EVERY_MS = 1_000;

export class ReadMarker {
  #seq = 0;
  #timer = null;

  /**
   * @param {object} clock of the namespace
   * @param {(seq: number) => Promise<unknown> | null} move tells the server; `null` where nobody hears it now
   */
  constructor(clock, move) {
    Object.assign(this, { clock, move });
  }

  /** Everything up to `seq` was seen. */
  mark(seq) {
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#timer ??= this.clock.setTimeout(() => {
      this.#timer = null;
      const again = () => (this.#seq = 0); // it is said again when somebody reads on
      const moving = this.move(this.#seq);
      if (moving) moving.catch(again);
      else again();
    }, READ_EVERY_MS);
  }
}
