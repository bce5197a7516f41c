/** @file How far one is from the others, in words that do not flicker. */
import { $ } from "../dom.js";
import { t } from "../texts.js";

/** Nobody notices less, ms. */
const IN_STEP_MS = 60;
/** Offered from here on: gentle speeds would need longer than anybody wants to wait, ms. */
const OFFER_MS = 400;
/** What is shown stands at least so long, ms. */
const STANDS_MS = 1_000;

export class Pace {
  #at = -Infinity;
  #words = "";

  constructor(box) {
    Object.assign(this, { box, text: $("#pace-text", box), button: $("#catch-up", box) });
  }

  /**
   * @param {object} seen
   * @param {string} seen.mode of the drift correction, or `away`, `off`, `player` (on its way) or `broken`
   * @param {number | null} seen.error ms behind the timeline; below 0 ahead
   * @param {string} seen.status of what is played
   */
  show({ mode, error, status }, now = performance.now()) {
    const [pace, words, offer] = look(mode, error, status);
    if (words === this.#words) return;
    if (now - this.#at < STANDS_MS && this.box.dataset.pace === pace) return;
    this.#at = now;
    this.#words = words;
    this.box.dataset.pace = pace;
    this.text.textContent = words;
    const focused = document.activeElement === this.button;
    this.button.hidden = !offer;
    if (focused && !offer) $("#main").focus();
  }
}

function look(mode, error, status) {
  if (mode === "off") return ["", "", false];
  if (mode === "broken") return ["", t("party.pace.broken"), false];
  if (mode === "player") return ["soon", t("party.pace.player"), false];
  if (mode === "away") return ["bad", t("party.pace.away"), false];
  if (mode === "ad") return ["soon", t("party.pace.ad"), false];
  if (mode === "stalled" || mode === "seeking" || mode === "starting") return ["soon", t("party.pace.loading"), false];
  if (mode === "standing") return ["", t(`party.status.${status}`), false];
  if (error === null) return ["soon", t("party.pace.loading"), false];
  const size = Math.abs(error);
  if (size < IN_STEP_MS) return ["good", t("party.pace.good"), false];
  const step = size < 1_000 ? Math.round(size / 10) * 10 : Math.round(size / 100) * 100;
  const off = step < 1_000 ? t("party.pace.ms", { count: step }) : t("party.pace.s", { count: step / 1000 });
  const offer = size > OFFER_MS;
  return [offer ? "bad" : "soon", t(error > 0 ? "party.pace.behind" : "party.pace.ahead", { off }), offer];
}
