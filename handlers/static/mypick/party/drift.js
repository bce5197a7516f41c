/**
 * @file Keeps one player on the party's timeline: what to tell it, and when to look again.
 *
 * Pure: no clock, no player, no network. `tick` is given the server's time and what the player shows, and answers with
 * commands. Small errors are taken away by speeds that nobody notices, large ones by one aimed seek; starts are told
 * early by what the player needs to start. `benchmarks/party/drift.py` is the same in Python.
 */
import { Allowance } from "./allowance.js";
import { jumps } from "./decision.js";
import { Estimate } from "./estimate.js";
import { Orders } from "./orders.js";
import { START_MS, Speeds } from "./speeds.js";

/** Between two looks, ms. */
const EVERY_MS = 250;
/** After a start, a seek or a pause: positions are not believed, ms. */
export const SETTLE_MS = 500;
/** Errors above this are sought away, ms. */
const SEEK_MS = 800;
/** After a stall the picture has just stood still: one short jump, not ten seconds of haste, ms. */
const STALL_SEEK_MS = 500;
/** A player so near the timeline starts from where it stands, ms. */
const NEAR_MS = 250;
/** A player that is paused this far off is moved: nobody sees more than a still picture change, ms. */
const PAUSED_MS = 30;
/** A player that is ahead by more does not wait for the timeline, ms. */
const FAR_MS = 20_000;
/** Between the end of the longest seek and the moment to say play, ms. */
const ROOM_MS = 75;
/** Events of a player come late by up to this, ms. */
const EVENT_MS = 50;
/** States in which nothing can be told to a player. */
const OUT = new Set(["none", "ended", "blocked", "ad"]);

export class Drift {
  /** Corrective ones: those that the host asked for are not counted. */
  seeks = 0;
  #state = "none";
  #trustAt = 0;
  #estimate = new Estimate();
  orders = new Orders();
  #holding = false; // it was sent ahead and waits for the timeline
  #jumped = 0; // seq of the jump that was begun before its moment
  #moved = [0, 0]; // seq, and how often a paused player was moved for it
  #stalled = false;
  #forced = false;
  #allowance = new Allowance();
  /** @type {import("./timeline.js").Announced | null} */ #goal = null;
  #missed = 0; // seq of a jump that the player has not made

  /**
   * @param {import("./timeline.js").PartyTimeline} timeline
   * @param {import("./speeds.js").Rates} [rates]
   * @param {number} [settle] how long positions are not believed after the player changed what it does, ms
   */
  constructor(timeline, rates = "fine", settle = SETTLE_MS) {
    this.timeline = timeline;
    this.speeds = new Speeds(rates);
    this.settle = settle;
  }

  /** Ms behind the timeline at the last look; null while nobody can know. */
  get error() {
    return this.#estimate.value;
  }

  /** Too far off for speeds, and seeks are spent for now: offer "catch me up". */
  get behind() {
    return this.error !== null && Math.abs(this.error) > SEEK_MS;
  }

  /** Go to the timeline at the next look, whatever it costs. */
  catchUp() {
    this.#forced = true;
  }

  /** Drops what was read: the machine has slept, or another video is shown. */
  forget() {
    this.#estimate.forget();
    this.orders.forget();
    this.speeds.stop();
  }

  /**
   * What to do at `now`, the server's time in ms.
   * @param {number} now
   * @param {import("./decision.js").Seen} seen
   * @returns {import("./decision.js").Decision}
   */
  tick(now, seen) {
    const out = { wake_at: now + EVERY_MS, mode: "idle", error_ms: null, commands: [] };
    this.#entered(now, seen.state);
    const goal = this.timeline.at(now);
    if (!goal || OUT.has(seen.state)) {
      this.forget();
      this.#stalled = seen.state === "ad";
      if (goal) out.mode = seen.state;
      return out;
    }
    const before = this.#goal;
    this.#goal = goal;
    if (before && before.seq !== goal.seq && this.#jumped !== goal.seq && jumps(before, goal)) this.#missed = goal.seq;
    const coming = this.timeline.next(now);
    if (seen.state === "seeking") this.#seekAgain(now, out);
    else if (!(goal.playing && goal.effective_at_ms <= now)) this.#stand(now, goal, coming, seen, out);
    else {
      if (seen.state === "paused") this.#catch(now, goal, seen, out);
      else if (seen.state === "stalled") {
        this.forget();
        this.#stalled = true;
        this.#estimate.suppose(now, goal.position(now) - seen.position_ms);
        out.mode = "stalled";
      } else this.#follow(now, goal, seen, out);
      this.#foresee(now, goal, coming, out);
    }
    out.error_ms = this.error;
    return out;
  }

  #entered(now, state) {
    const before = this.#state;
    this.#state = state;
    if (before === state) return;
    if (state === "playing" || state === "paused") {
      this.forget();
      this.#trustAt = now + this.settle;
    }
    if (state === "playing") this.#holding = false;
    const off = this.orders.entered(now, before, state, this.timeline);
    if (off !== null) this.#estimate.suppose(now, off);
  }

  // ---- the timeline stands ----

  #stand(now, goal, coming, seen, out) {
    out.mode = "standing";
    this.#holding = false;
    const starts = coming?.playing ? coming : null;
    // a player waits already where the timeline will start from
    const place = starts ? starts.position(starts.effective_at_ms) : goal.position(now);
    const off = place - seen.position_ms;
    this.#estimate.suppose(now, off);
    if (this.orders.busy(now)) return;
    if (seen.state !== "paused") {
      if (!starts || now < this.#startAt(starts, place)) {
        this.orders.pause(goal.rate, out);
      }
      return;
    }
    if (Math.abs(off) > PAUSED_MS && this.#mayMove(starts ?? goal)) this.#send(now, place, now, goal.rate, "move", out);
    else if (starts) {
      const at = this.#startAt(starts, seen.position_ms);
      if (now < at) out.wake_at = Math.min(out.wake_at, at);
      else this.orders.play(now, seen.position_ms, starts, out);
    }
  }

  /** When to say play to a player that stands at `position`. */
  #startAt(starts, position) {
    return starts.anchor_at_ms + (position - starts.anchor_position_ms) / starts.rate - this.orders.start.usual;
  }

  /** Players that only seek to key frames would be moved forever. */
  #mayMove({ seq }) {
    const times = this.#moved[0] === seq ? this.#moved[1] : 0;
    this.#moved = [seq, times + 1];
    return times < 2;
  }

  // ---- the timeline moves and the player stands ----

  #catch(now, goal, seen, out) {
    out.mode = "starting";
    const off = goal.position(now) - seen.position_ms;
    this.#estimate.suppose(now, off);
    if (this.orders.busy(now)) return;
    const late = off / goal.rate + this.orders.start.usual;
    if (this.#holding && late > NEAR_MS) this.#holding = false; // this seek took longer than any before: once more
    if (!this.#holding && (late > NEAR_MS || off < -FAR_MS)) {
      const ahead = this.orders.seek.high + this.orders.start.usual + ROOM_MS;
      this.#send(now, goal.position(now + ahead), now + ahead, goal.rate, "move", out);
      this.#holding = true;
    } else if (late >= 0) this.orders.play(now, seen.position_ms, goal, out);
    else out.wake_at = Math.min(out.wake_at, now - late);
  }

  // ---- both move ----

  #follow(now, goal, seen, out) {
    out.mode = "following";
    const raw = goal.position(now) - seen.position_ms;
    const [afterStall, forced] = [this.#stalled, this.#forced];
    this.#stalled = this.#forced = false;
    if (
      (forced && Math.abs(raw) > START_MS) ||
      (this.#missed === goal.seq && Math.abs(raw) > NEAR_MS) ||
      (afterStall && Math.abs(raw) > STALL_SEEK_MS && this.#allowance.allows(now))
    ) {
      this.#correctBySeek(now, goal, out);
      return;
    }
    if (now < this.#trustAt) {
      this.#goByEvent(now, goal, out);
      return;
    }
    const faster = this.orders.speed - goal.rate;
    if (this.orders.lesson) this.orders.learn(now, seen.position_ms, this.#estimate.foresee(now, faster));
    const error = this.#estimate.read(now, raw, faster);
    if (Math.abs(error) > SEEK_MS && this.#allowance.allows(now)) {
      this.#correctBySeek(now, goal, out);
      return;
    }
    const [speed, wakeAt] = this.speeds.choose(now, error, seen.position_ms, goal.rate);
    this.orders.tellSpeed(speed, out);
    if (speed !== goal.rate) out.mode = "correcting";
    if (wakeAt !== null) out.wake_at = Math.min(out.wake_at, wakeAt);
  }

  /**
   * No position is believed yet, but the moment at which the player went on is known, and where from. What is off by more
   * than events are late is corrected at once.
   */
  #goByEvent(now, goal, out) {
    out.wake_at = Math.min(out.wake_at, this.#trustAt);
    let speed = goal.rate;
    if (this.orders.lesson && this.speeds.rates === "fine") {
      // of a jump that is still to come, the timeline after it
      const { rate } = this.timeline.at(Math.max(now, this.orders.lesson.landsAt)) ?? goal;
      const error = this.#estimate.foresee(now, this.orders.speed - rate);
      if (Math.abs(error) > EVENT_MS) [speed] = this.speeds.choose(now, error, 0, rate);
      else this.speeds.stop();
    }
    this.orders.tellSpeed(speed, out);
  }

  #correctBySeek(now, goal, out) {
    if (this.#missed === goal.seq) this.#missed = 0; // the host asked for it
    else {
      this.seeks += 1;
      this.#allowance.take();
    }
    const lands = now + this.orders.seek.usual;
    this.#send(now, goal.position(lands), lands, goal.rate, "seek", out);
  }

  // ---- what will be ----

  /** Begins a jump of the timeline before its moment, so that the seek ends with it. */
  #foresee(now, goal, coming, out) {
    if (!coming || out.commands.some(([command]) => command !== "rate")) return;
    let at = coming.effective_at_ms;
    if (coming.playing && this.#jumped !== coming.seq && jumps(goal, coming)) {
      const begin = at - this.orders.seek.usual;
      if (now < begin) at = begin;
      else {
        const lands = now + this.orders.seek.usual;
        this.#jumped = coming.seq;
        this.#send(now, coming.position(lands), lands, coming.rate, "seek", out);
      }
    }
    out.wake_at = Math.min(out.wake_at, Math.max(at, now));
  }

  /** The player is on its way. Somewhere else, if the timeline has jumped since. */
  #seekAgain(now, out) {
    out.mode = "seeking";
    const { told } = this.orders;
    const goal = told && this.timeline.at(Math.max(now, told.landsAt));
    if (!goal || told.what !== "seek") return;
    if (Math.abs(goal.position(told.landsAt) - told.position) > SEEK_MS) {
      const lands = now + this.orders.seek.usual;
      this.#send(now, goal.position(lands), lands, goal.rate, "seek", out);
    }
  }

  #send(now, to, lands, rate, what, out) {
    this.forget();
    this.orders.send(now, to, lands, rate, what, out);
    this.#state = "seeking"; // it may have ended before the next look
  }
}
