// Time that goes on when the test says so.

/** Lets what is due at this moment happen. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

export class Time {
  at = 50_000;
  skew = 0; // of the time of day
  timers = new Map();
  #count = 0;
  now = () => 1_700_000_000_000 + this.at + this.skew;
  monotonic = () => this.at;
  setTimeout = (run, ms) => {
    this.timers.set(++this.#count, { at: this.at + Math.max(0, ms), run });
    return this.#count;
  };
  clearTimeout = (timer) => this.timers.delete(timer);

  async pass(ms) {
    const until = this.at + ms;
    for (;;) {
      await turn();
      const due = [...this.timers].filter(([, timer]) => timer.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.at = Math.max(this.at, due[1].at);
      due[1].run();
    }
    this.at = until;
    await turn();
  }
}
