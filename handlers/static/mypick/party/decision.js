/**
 * @file What goes into a look at the player, and what comes out of it. `benchmarks/party/decision.py` is the same in Python.
 *
 * @typedef {object} Seen what the player shows
 * @property {"playing" | "paused" | "stalled" | "seeking" | "ad" | "ended" | "blocked" | "none"} state
 * @property {number} position_ms
 *
 * @typedef {object} Decision
 * @property {number} wake_at look again then at the latest
 * @property {string} mode
 * @property {number | null} error_ms behind the timeline if positive; null while nobody can know
 * @property {[("play" | "pause" | "seek" | "rate"), number][]} commands in order
 *
 * @typedef {object} Told a play or a seek, and where the player was to go on from
 * @property {"play" | "seek" | "move"} what "seek" while it plays, "move" while it stands
 * @property {number} at
 * @property {number} position
 * @property {number} rate
 * @property {number} landsAt
 */

/** What moves the timeline by less is no jump, ms. */
const JUMP_MS = 20;

/** Whether the timeline is elsewhere after a change than it would have been. */
export function jumps(before, after) {
  const at = after.effective_at_ms;
  return Math.abs(after.position(at) - before.position(at)) > JUMP_MS;
}
