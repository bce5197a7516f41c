/**
 * @file A player of the YouTube iframe API as a party's player.
 */
import { Listeners } from "../errors.js";

/** States of the API. */
const ENDED = 0;
const PLAYING = 1;
const PAUSED = 2;
const BUFFERING = 3;
const CUED = 5;
/** The API renews its position about four times a second; it is looked at this often, ms. */
const LOOK_MS = 30;
/** A position that is older is not carried on, ms. */
const FRESH_MS = 1_000;
/** It says that it plays and its time stands still for this long: an ad, ms. */
const AD_MS = 1_500;
/** A seek is over once the position is this near to where it went, ms. */
const NEAR_MS = 1_500;
/** Before that its position is a promise, ms. */
const SHOWN_MS = 100;
/** What has not ended by then was none, ms. */
const LONGEST_SEEK_MS = 8_000;

/** @implements {import("./html5.js").Player} */
export class YouTubePlayer {
  /** Unsupported speeds are said to be rounded towards 1, and have been seen to work: the party measures it. */
  rates = /** @type {const} */ ("unknown");
  #api;
  #clock;
  #listeners = new Listeners();
  #state = -1;
  #rate = 1;
  #value = 0; // as the API said last, ms
  #valueAt = 0; // when that changed
  #sought = null; // {to, at}
  #started = false; // pictures have moved since it was told to play
  #blocked = false;
  #timer = null;
  #stops = [];

  /**
   * @param {any} api a `YT.Player` that is ready
   * @param {import("../errors.js").Clock} clock
   */
  constructor(api, clock) {
    this.#api = api;
    this.#clock = clock;
    this.#state = api.getPlayerState();
    this.#started = this.#state === PLAYING;
    const changed = ({ data }) => this.#changed(data);
    const blocked = () => {
      this.#blocked = true;
      this.#listeners.emit("change");
    };
    api.addEventListener("onStateChange", changed);
    api.addEventListener("onAutoplayBlocked", blocked);
    this.#stops = [() => api.removeEventListener("onStateChange", changed), () => api.removeEventListener("onAutoplayBlocked", blocked)];
    this.#look();
  }

  onChange(listener) {
    return this.#listeners.on("change", listener);
  }

  read() {
    const state = this.#shown();
    return { state, position_ms: state === "seeking" ? this.#sought.to : this.#position(state) };
  }

  play() {
    this.#api.playVideo();
  }

  pause() {
    this.#api.pauseVideo();
  }

  seek(ms) {
    this.#sought = { to: ms, at: this.#clock.monotonic() };
    this.#api.seekTo(ms / 1_000, true);
  }

  setRate(rate) {
    this.#rate = rate;
    this.#api.setPlaybackRate(rate);
  }

  bufferedMs() {
    const [loaded, duration] = [this.#api.getVideoLoadedFraction(), this.#api.getDuration()];
    return Math.max(0, loaded * duration * 1_000 - this.#value);
  }

  release() {
    for (const stop of this.#stops) stop();
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Between two renewals the position goes on; it was renewed half a look before it was seen, on average. */
  #position(state) {
    if (state !== "playing") return this.#value;
    const since = Math.min(FRESH_MS, this.#clock.monotonic() - this.#valueAt + LOOK_MS / 2);
    return this.#value + since * (this.#api.getPlaybackRate?.() ?? this.#rate);
  }

  #shown() {
    const now = this.#clock.monotonic();
    if (this.#blocked) return "blocked";
    if (this.#sought) {
      if (now - this.#sought.at < LONGEST_SEEK_MS) return "seeking";
      this.#sought = null;
    }
    if (this.#state === PLAYING) {
      if (now - this.#valueAt > AD_MS) return "ad";
      return this.#started ? "playing" : "paused";
    }
    if (this.#state === BUFFERING) return this.#started ? "stalled" : "paused";
    if (this.#state === PAUSED || this.#state === ENDED || this.#state === CUED) return "paused";
    return this.#started ? "ad" : "none"; // unstarted: before the first video, or an ad is before it
  }

  #look() {
    const now = this.#clock.monotonic();
    const value = this.#api.getCurrentTime() * 1_000;
    if (value !== this.#value || this.#state !== PLAYING) {
      const began = this.#state === PLAYING && !this.#started && value !== this.#value;
      this.#value = value;
      this.#valueAt = now;
      if (began) this.#started = true;
      // the API shows at once where it seeks to, before it is there
      const sought = this.#sought && now - this.#sought.at > SHOWN_MS ? this.#sought : null;
      const arrived = sought && Math.abs(value - sought.to) < NEAR_MS && this.#state !== BUFFERING;
      if (arrived) this.#sought = null;
      if (began || arrived) this.#listeners.emit("change");
    }
    this.#timer = this.#clock.setTimeout(() => this.#look(), LOOK_MS);
  }

  #changed(state) {
    this.#state = state;
    this.#valueAt = this.#clock.monotonic();
    if (state === PLAYING) this.#blocked = false;
    if (state === PAUSED || state === ENDED || state === CUED) this.#started = false;
    this.#listeners.emit("change");
  }
}
