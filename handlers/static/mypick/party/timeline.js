/**
 * @file The party's timeline as a guest holds it: what the server has announced, and from when it counts.
 * `benchmarks/party/timeline.py` is the same in Python.
 */

/** Announcements that are held; more are never on their way at once. */
const KEPT = 8;
/** What was overtaken is kept so long, for clocks that are set back a little, ms. */
const BEFORE_MS = 2_000;

/** One `timeline` of the server. Moments are the server's, ms. */
export class Announced {
  /**
   * @param {number} seq
   * @param {{status: string, content_id: number | null, anchor_position_ms: number, anchor_at_ms: number, rate: number,
   *   effective_at_ms: number}} data
   */
  constructor(seq, data) {
    this.seq = seq;
    this.status = data.status;
    this.playing = data.status === "playing";
    this.content_id = data.content_id;
    this.anchor_position_ms = data.anchor_position_ms;
    this.anchor_at_ms = data.anchor_at_ms;
    this.rate = data.rate;
    this.effective_at_ms = data.effective_at_ms;
  }

  /** Where the video is at the moment `at`, ms. */
  position(at) {
    if (!this.playing) return this.anchor_position_ms;
    return this.anchor_position_ms + this.rate * Math.max(0, at - this.anchor_at_ms);
  }
}

/** What holds when. A later `seq` beats an earlier one from its `effective_at_ms` on, whenever it came. */
export class PartyTimeline {
  /** @type {Announced[]} by seq */ #known = [];

  /** Takes one from the server, in any order. False if it is known or overtaken already. */
  announce(fresh) {
    if (this.knows(fresh.seq)) return false;
    const later = this.#known.filter((one) => one.seq > fresh.seq);
    if (later.some((one) => one.effective_at_ms <= fresh.effective_at_ms)) return false;
    // what is older and would begin no sooner never holds
    const older = this.#known.filter((one) => one.seq < fresh.seq && one.effective_at_ms < fresh.effective_at_ms);
    this.#known = [...older, fresh, ...later].slice(-KEPT);
    return true;
  }

  /** Whether an announcement is held. */
  knows(seq) {
    return this.#known.some((one) => one.seq === seq);
  }

  /** The one with the highest `seq`, in force or not. */
  get latest() {
    return this.#known.at(-1) ?? null;
  }

  /** Begins anew from what the server says of now. */
  reset(snapshot) {
    this.#known = [snapshot];
  }

  /** What holds at `now`. Before the first known moment it is the first one, which then stands still. */
  at(now) {
    let held = null;
    for (const one of this.#known) if (one.effective_at_ms <= now) held = one;
    return held ?? this.#known[0] ?? null;
  }

  /** The change that comes soonest after `now`. */
  next(now) {
    return this.#known.find((one) => one.effective_at_ms > now) ?? null;
  }

  /** Forgets what `now` has overtaken for good. */
  settle(now) {
    const held = this.at(now - BEFORE_MS);
    if (held) this.#known = this.#known.filter((one) => one.seq >= held.seq);
  }
}
