/**
 * @file A `<video>` element as a party's player.
 */
import { Listeners } from "../errors.js";

/** Events of the element after which the party looks at once. */
const TELLING = ["playing", "pause", "waiting", "seeking", "seeked", "ended", "loadedmetadata", "emptied", "error"];
/** A seek of a playing element that has not gone on by then counts as a stall, ms. */
const LONGEST_SEEK_MS = 10_000;

/**
 * @typedef {object} Player what a party needs of a player
 * @property {import("./speeds.js").Rates} rates
 * @property {() => import("./decision.js").Seen} read
 * @property {() => void} play
 * @property {() => void} pause
 * @property {(ms: number) => void} seek
 * @property {(rate: number) => void} setRate
 * @property {(listener: () => void) => () => void} onChange it does something else now; gives what takes the listener away
 * @property {() => number | null} [bufferedMs] that it can play without loading more
 * @property {() => void} [release]
 */

/** @implements {Player} */
export class Html5Player {
  rates = /** @type {const} */ ("fine");
  #video;
  #listeners = new Listeners();
  #moving = false; // since the last event "playing"
  #stalled = false;
  #sought = null; // when a seek began, while it plays
  #blocked = false;
  #stop;

  /**
   * @param {HTMLVideoElement} video
   * @param {import("../errors.js").Clock} clock
   */
  constructor(video, clock) {
    this.#video = video;
    this.clock = clock;
    video.preservesPitch = true;
    const hear = (event) => this.#heard(event.type);
    for (const name of TELLING) video.addEventListener(name, hear);
    this.#stop = () => TELLING.forEach((name) => video.removeEventListener(name, hear));
    this.#moving = !video.paused && video.readyState > 2;
  }

  onChange(listener) {
    return this.#listeners.on("change", listener);
  }

  read() {
    return { state: this.#state(), position_ms: this.#video.currentTime * 1_000 };
  }

  play() {
    const started = this.#video.play();
    started?.then(
      () => (this.#blocked = false),
      (error) => {
        if (error?.name !== "NotAllowedError") return; // interrupted by a pause or another source
        this.#blocked = true; // until somebody touches the page
        this.#listeners.emit("change");
      },
    );
  }

  pause() {
    this.#video.pause();
  }

  seek(ms) {
    this.#sought = this.clock.monotonic();
    this.#video.currentTime = ms / 1_000;
  }

  setRate(rate) {
    this.#video.playbackRate = rate;
  }

  bufferedMs() {
    const { buffered, currentTime } = this.#video;
    for (let at = 0; at < buffered.length; at += 1) {
      if (buffered.start(at) <= currentTime && currentTime <= buffered.end(at)) return (buffered.end(at) - currentTime) * 1_000;
    }
    return 0;
  }

  release() {
    this.#stop();
  }

  #state() {
    const video = this.#video;
    if (video.error || video.readyState === 0) return "none";
    if (this.#blocked) return "blocked";
    if (video.seeking) return "seeking";
    if (this.#sought !== null) {
      // sought while it played: it goes on with the event "playing"
      if (!video.paused && this.clock.monotonic() - this.#sought < LONGEST_SEEK_MS) return "seeking";
      this.#sought = null;
    }
    if (video.paused || video.ended) return "paused";
    if (this.#stalled) return "stalled";
    return this.#moving ? "playing" : "paused"; // told to play, and no picture has moved yet
  }

  #heard(name) {
    if (name === "playing") {
      this.#moving = true;
      this.#stalled = this.#blocked = false;
      if (!this.#video.seeking) this.#sought = null;
    } else if (name === "waiting") this.#stalled = this.#moving;
    else if (name === "pause" || name === "ended" || name === "emptied") {
      this.#moving = this.#stalled = false;
      if (name === "emptied") this.#sought = null;
    } else if (name === "seeked" && this.#video.paused) this.#sought = null;
    this.#listeners.emit("change");
  }
}
