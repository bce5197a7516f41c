/**
 * @file What a player is told, whether it has followed, and how long that takes: learned from when it did.
 * `benchmarks/party/orders.py` is the same in Python.
 */
import { Latency } from "./latency.js";

/** A player that has not obeyed for so long is told again, ms. */
const STUCK_MS = 4_000;

export class Orders {
  /** What players need to start, and to seek. */
  start = new Latency(125, 220, 1_500);
  seek = new Latency(250, 400, 3_000);
  /** The last that it was told. */
  speed = 1;
  rateChanges = 0;
  /** A play or seek that the player has not followed yet. @type {import("./decision.js").Told | null} */
  told = null;
  /** One it has followed: the next believed reading says how late. @type {import("./decision.js").Told | null} */
  lesson = null;
  #gained = 0; // the error when it followed: what of it is gone was gained by speeds

  /** It was told something, and may be on its way to do it. */
  busy(now) {
    return this.told !== null && now - this.told.at < STUCK_MS;
  }

  /** Readings are void: nothing is learned from them. */
  forget() {
    this.lesson = null;
  }

  /**
   * The player does something else now than `before`.
   * @returns {number | null} how far it is behind, where it went on by an order at this moment, ms
   */
  entered(now, before, state, timeline) {
    const { told } = this;
    if (before === "seeking" && told && told.what !== "play") {
      this.told = null;
      if (state === "paused") this.seek.learn(now - told.at);
    }
    if (state !== "playing") return null;
    // one that stalled on the way says nothing of how long players take
    this.lesson = before !== "stalled" && told && told.what !== "move" ? told : null;
    this.told = null;
    const goal = this.lesson && timeline.at(Math.max(now, this.lesson.landsAt));
    if (!goal?.playing) return null;
    const line = goal.anchor_position_ms + goal.rate * (now - goal.anchor_at_ms);
    this.#gained = line - this.lesson.position;
    return this.#gained;
  }

  /** Takes the first position that is believed after it followed. `left`: what the error is foreseen to be now, ms. */
  learn(now, position, left) {
    const told = this.lesson;
    this.lesson = null;
    const latency = told.what === "play" ? this.start : this.seek;
    const gained = this.#gained - left;
    latency.learn(now - told.at - (position - gained - told.position) / told.rate);
  }

  play(now, position, goal, out) {
    this.tellSpeed(goal.rate, out);
    out.commands.push(["play", 0]);
    this.told = { what: "play", at: now, position, rate: goal.rate, landsAt: Math.max(now, goal.effective_at_ms) };
  }

  pause(rate, out) {
    this.tellSpeed(rate, out);
    out.commands.push(["pause", 0]);
  }

  /** `what`: "seek" while it plays, "move" while it stands. */
  send(now, to, lands, rate, what, out) {
    this.tellSpeed(rate, out);
    const position = Math.max(0, to);
    out.commands.push(["seek", position]);
    this.told = { what, at: now, position, rate, landsAt: lands };
  }

  tellSpeed(speed, out) {
    if (speed === this.speed) return;
    this.speed = speed;
    this.rateChanges += 1;
    out.commands.push(["rate", speed]);
  }
}
