/** @file The controls beneath the picture: what is played for all, for whom may steer it, and what is one's own. */
import { $, icon } from "../dom.js";
import { duration, t } from "../texts.js";

/** J and L go so far, ms. */
const JUMP_MS = 10_000;

export class Deck {
  #shown = { status: "idle", position: 0, length: null, rate: 1, may: false };
  #dragging = false;

  /**
   * @param {object} on what the person asks for: `play()`, `pause()`, `seek(ms)`, `rate(rate)`, `next()` of the party;
   *   `volume(share)`, `mute(on)` and `whole()` of one's own player; `chat()`
   */
  constructor(on) {
    this.on = on;
    this.seek = $("#seek");
    $("#play").addEventListener("click", () => this.toggle());
    $("#next").addEventListener("click", () => on.next());
    this.seek.addEventListener("input", () => {
      this.#dragging = true;
      this.#tell(Number(this.seek.value));
    });
    this.seek.addEventListener("change", () => {
      this.#dragging = false;
      on.seek(Number(this.seek.value));
    });
    $("#rate").addEventListener("change", ({ target }) => on.rate(Number(target.value)));
    $("#volume").addEventListener("input", ({ target }) => on.volume(Number(target.value) / 100));
    $("#mute").addEventListener("click", () => on.mute());
    $("#whole").addEventListener("click", () => on.whole());
    addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows what is played. @param {{status: string, position: number, length: number | null, rate: number, may: boolean, next: boolean}} shown ms */
  show(shown) {
    this.#shown = shown;
    const { status, position, length, rate, may, next } = shown;
    const runs = status === "playing" || status === "waiting";
    const words = t(runs ? "party.pause" : "party.play");
    const play = $("#play");
    if (play.dataset.runs !== String(runs)) {
      play.dataset.runs = String(runs);
      play.replaceChildren(icon(runs ? "pause" : "play"));
      play.setAttribute("aria-label", words);
      play.title = words;
    }
    $("#deck").classList.toggle("leads", may);
    play.hidden = !may;
    $("#next").hidden = !may || !next;
    $("#rate").hidden = !may;
    if (document.activeElement !== $("#rate")) $("#rate").value = String(rate);
    this.seek.disabled = !may || length === null;
    if (this.#dragging) return;
    if (length !== null && Number(this.seek.max) !== length) this.seek.max = String(length);
    this.seek.value = String(position);
    this.#tell(position);
  }

  showSound({ muted, volume }) {
    const words = t(muted ? "party.unmute" : "party.mute");
    const mute = $("#mute");
    if (mute.title !== words) {
      mute.title = words;
      mute.setAttribute("aria-label", words);
      mute.replaceChildren(icon(muted ? "silent" : "sound"));
    }
    const shown = muted ? 0 : Math.round(volume * 100);
    $("#volume").value = String(shown);
    $("#volume").style.setProperty("--done", `${shown}%`);
  }

  toggle() {
    const { status, may } = this.#shown;
    if (may) status === "playing" || status === "waiting" ? this.on.pause() : this.on.play();
  }

  #tell(position) {
    const { length } = this.#shown;
    const [now, all] = [duration(position / 1000), length === null ? null : duration(length / 1000)];
    const words = all ? `${now} / ${all}` : now;
    if ($("#clock").textContent !== words) {
      $("#clock").textContent = words;
      this.seek.setAttribute("aria-valuetext", all ? t("party.place", { now, all }) : now);
    }
    this.seek.style.setProperty("--done", `${length ? Math.min(100, (position / length) * 100) : 0}%`);
  }

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || event.target.closest("input:not([type=range]), textarea, select, [role=menu], [contenteditable]")) return;
    const on = event.target.closest("button, a, summary, [role=tab]");
    const { may, position, length } = this.#shown;
    const jump = (by) => () => this.on.seek(Math.max(0, Math.min(length ?? Infinity, position + by)));
    const key = event.shiftKey ? `shift+${event.key.toLowerCase()}` : event.key.toLowerCase();
    const run = {
      k: may && (() => this.toggle()),
      " ": may && !on && (() => this.toggle()),
      j: may && jump(-JUMP_MS),
      l: may && jump(JUMP_MS),
      "shift+n": may && this.#shown.next && (() => this.on.next()),
      m: () => this.on.mute(),
      f: () => this.on.whole(),
      c: () => this.on.chat(),
    }[key];
    if (!run) return;
    event.preventDefault();
    run();
  }
}
