/** @file How well the party is in step: one's own player for everybody, all guests for who leads. */
import { client } from "../client.js";
import { el } from "../dom.js";
import { t } from "../texts.js";

/** Between two looks while somebody looks, ms. */
const EVERY_MS = 5_000;

export class Figures {
  #timer = null;
  #all = null;

  /** @param {HTMLElement} box @param {import("../../mypick/party/party.js").Party} party */
  constructor(box, party) {
    Object.assign(this, { box, party });
  }

  start() {
    this.stop();
    this.#read();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  async #read() {
    const answer = await client.request("GET", `/watch-parties/${this.party.id}/telemetry`, null, { retries: 0 }).catch(() => null);
    this.#all = answer?.data ?? null;
    this.#draw();
    this.#timer = setTimeout(() => this.#read(), EVERY_MS);
  }

  #draw() {
    const { party } = this;
    const { step, rtt } = party;
    const ms = (value) => (value === null || value === undefined ? "–" : t("party.pace.ms", { count: Math.round(value) }));
    const figure = (key, value) => el("div", { class: "figure" }, el("b", {}, value), el("span", {}, t(`party.figures.${key}`)));
    const own = [figure("off", ms(step?.error_ms === null || step?.error_ms === undefined ? null : Math.abs(step.error_ms))), figure("rtt", ms(rtt))];
    const all = this.#all;
    const shared = all && [
      figure("error", ms(all.position_error_ms.p50)),
      figure("worst", ms(all.position_error_ms.p99)),
      figure("rtt", ms(all.clock_rtt_ms.p50)),
      figure("fanout", ms(all.fan_out_ms.p99)),
      figure("missed", String(all.missed_leads)),
      figure("hosts", String(all.host_changes)),
    ];
    const far = all?.farthest.map(({ user, error_ms: error }) => el("li", { class: "row" }, el("b", { class: "grow" }, user.name), el("span", { class: "muted" }, ms(Math.abs(error)))));
    const parts = [
      el("h3", {}, t("party.figures.own")),
      el("div", { class: "figure-grid" }, ...own),
      shared && el("h3", {}, t("party.figures.party")),
      shared && el("div", { class: "figure-grid" }, ...shared),
      far?.length > 0 && el("h3", {}, t("party.figures.far")),
      far?.length > 0 && el("ul", { class: "rows" }, ...far),
    ];
    this.box.replaceChildren(...parts.filter(Boolean));
  }
}
