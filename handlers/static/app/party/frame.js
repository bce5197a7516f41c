/**
 * @file YouTube's player in a frame of another origin, spoken to by the messages of its own IFrame API. It looks like a
 * `YT.Player`, and no script of YouTube's runs in this page, where the tokens are.
 */
import { el } from "../dom.js";

const ORIGIN = "https://www.youtube-nocookie.com";
const [UNSTARTED, PLAYING] = [-1, 1];
/** The frame is told that somebody listens until it answers, this often and so many times, ms. */
const KNOCK_MS = 250;
const KNOCKS = 120;
/** Of a frame that has loaded: what answers does so at once; a browser's own page of an error never does. */
const KNOCKS_HEARD = 40;
/** Told to play, it has not begun by then: the browser wants silence, or a touch, ms. */
const REFUSED_MS = 3_000;

export class YouTubeFrame {
  #frame;
  #listeners = new Map();
  #told = { playerState: UNSTARTED, currentTime: 0, at: 0, playbackRate: 1, duration: 0, videoLoadedFraction: 0, muted: false, volume: 100 };
  #refusing = null;
  #loaded = false; // before that the frame is of no origin that could be told something
  #ready = false;
  #hear = (event) => this.#heard(event);

  /**
   * @param {HTMLElement} box where it goes
   * @param {{id: string, title: string}} video
   * @returns {Promise<YouTubeFrame>} once it can be told something
   */
  static open(box, video) {
    const frame = new YouTubeFrame(box, video);
    return new Promise((resolve, reject) => {
      frame.addEventListener("onReady", () => resolve(frame));
      frame.addEventListener("onError", () => reject(new Error("the frame does not play this")));
      frame.#knock(0, 0, reject);
    });
  }

  constructor(box, { id, title }) {
    const asks = new URLSearchParams({ enablejsapi: 1, origin: location.origin, controls: 0, disablekb: 1, playsinline: 1, rel: 0, iv_load_policy: 3 });
    this.#frame = el("iframe", { src: `${ORIGIN}/embed/${id}?${asks}`, title, allow: "autoplay; encrypted-media", referrerpolicy: "strict-origin-when-cross-origin" });
    this.#frame.addEventListener("load", () => (this.#loaded = true));
    addEventListener("message", this.#hear);
    box.append(this.#frame);
  }

  addEventListener(name, listener) {
    const held = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, held.add(listener));
  }

  removeEventListener(name, listener) {
    this.#listeners.get(name)?.delete(listener);
  }

  playVideo() {
    clearTimeout(this.#refusing);
    this.#refusing = setTimeout(() => this.#told.playerState === UNSTARTED && this.#tell("onAutoplayBlocked"), REFUSED_MS);
    this.#command("playVideo");
  }

  pauseVideo() {
    clearTimeout(this.#refusing);
    this.#command("pauseVideo");
  }

  seekTo(seconds, ahead) {
    this.#command("seekTo", seconds, ahead);
  }

  setPlaybackRate(rate) {
    this.#command("setPlaybackRate", rate);
  }

  getPlayerState() {
    return this.#told.playerState;
  }

  getCurrentTime() {
    return this.#told.currentTime;
  }

  getPlaybackRate() {
    return this.#told.playbackRate;
  }

  getDuration() {
    return this.#told.duration;
  }

  getVideoLoadedFraction() {
    return this.#told.videoLoadedFraction;
  }

  get sound() {
    return { muted: this.#told.muted, volume: this.#told.volume / 100 };
  }

  set sound({ muted, volume }) {
    Object.assign(this.#told, { muted, volume: Math.round(volume * 100) });
    this.#command(muted ? "mute" : "unMute");
    this.#command("setVolume", this.#told.volume);
  }

  destroy() {
    clearTimeout(this.#refusing);
    removeEventListener("message", this.#hear);
    this.#listeners.clear();
    this.#frame.remove();
  }

  #knock(times, heard, refuse) {
    if (!this.#frame.isConnected || this.#ready) return;
    if (times === KNOCKS || heard === KNOCKS_HEARD) return refuse(new Error("the frame does not answer"));
    if (this.#loaded) this.#send({ event: "listening" });
    setTimeout(() => this.#knock(times + 1, heard + Number(this.#loaded), refuse), KNOCK_MS);
  }

  #heard({ source, origin, data }) {
    if (origin !== ORIGIN || source !== this.#frame.contentWindow || typeof data !== "string") return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // of no business of ours
    }
    const { event, info } = message ?? {};
    if (event === "onReady") {
      this.#ready = true;
      for (const name of ["onStateChange", "onError"]) this.#command("addEventListener", name);
      this.#tell("onReady");
    } else if (event === "onError") this.#tell("onError", info);
    else if (event === "onStateChange") this.#become(info);
    else if (info && typeof info === "object") this.#read(info);
  }

  #read(info) {
    for (const name of ["currentTime", "playbackRate", "duration", "videoLoadedFraction", "volume"]) {
      if (Number.isFinite(info[name])) this.#told[name] = info[name];
    }
    if (typeof info.muted === "boolean") this.#told.muted = info.muted;
    if (Number.isInteger(info.playerState)) this.#become(info.playerState);
  }

  #become(state) {
    if (!Number.isInteger(state) || state === this.#told.playerState) return;
    this.#told.playerState = state;
    if (state === PLAYING) clearTimeout(this.#refusing);
    this.#tell("onStateChange", state);
  }

  #tell(name, data = null) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener({ data, target: this });
  }

  #command(func, ...args) {
    this.#send({ event: "command", func, args });
  }

  #send(message) {
    this.#frame.contentWindow?.postMessage(JSON.stringify({ ...message, id: 1, channel: "widget" }), ORIGIN);
  }
}
