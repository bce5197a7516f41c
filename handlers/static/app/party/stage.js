/** @file The picture: its player, its sound, and what lies over it. */
import { $ } from "../dom.js";
import * as scenes from "./curtain.js";
import { Curtain } from "./curtain.js";
import { makePlayer } from "./players.js";

/** The start gate waits at most so long, ms; the server decides. */
const GATE_MS = 5_000;
/** A player that was refused plays so long after a touch at the latest, or is refused again, ms. */
const TOUCHED_MS = 1_000;
/** What one likes to hear is kept for the next party. */
const SOUND = "mypick.party.sound";

export class Stage {
  content = null;
  silenced = false; // the browser let nothing be heard: a touch changes it
  #shown = null;
  #turn = 0; // of making players: an earlier one is void
  /** Of the player: `none`, `loading`, `ready` or `broken`. */
  state = "none";
  #touched = -Infinity;
  #sound = readSound();

  /** @param {import("../../mypick/party/party.js").Party} party */
  constructor(party) {
    this.party = party;
    this.box = $("#screen");
    this.curtain = new Curtain($("#curtain"));
  }

  get length() {
    return this.#shown?.length() ?? (this.content?.duration_s ? this.content.duration_s * 1000 : null);
  }

  get sound() {
    return this.silenced ? { ...this.#sound, muted: true } : this.#sound;
  }

  /** Shows `content`, which the party has loaded. */
  async show(content) {
    this.content = content;
    const turn = this.close();
    this.state = "loading";
    const failed = () => {
      if (turn === this.#turn) this.state = "broken";
    };
    const shown = await makePlayer(this.box, content, failed);
    if (turn !== this.#turn) return shown?.close();
    if (!shown) return failed();
    this.#shown = shown;
    if (this.state === "loading") this.state = "ready";
    shown.sound = this.sound;
    this.party.attach(shown.player, content.id);
  }

  /** Takes the player away, with its sound. */
  close() {
    this.party.detach();
    this.#shown?.close();
    this.#shown = null;
    this.state = "none";
    this.box.replaceChildren();
    return (this.#turn += 1);
  }

  setSound(changes) {
    this.#sound = { ...this.#sound, ...changes };
    this.silenced = false;
    writeSound(this.#sound);
    if (this.#shown) this.#shown.sound = this.#sound;
  }

  /** Inside a touch: what was refused is allowed now. */
  unlock() {
    this.#touched = performance.now();
    this.setSound({ muted: false });
    this.party.catchUp();
  }

  /** The browser refuses to play: what cannot be heard it may let play. */
  #refused() {
    if (this.silenced || this.#sound.muted || !this.#shown) return;
    this.silenced = true;
    this.#shown.sound = this.sound;
    this.party.catchUp();
  }

  whole() {
    if (document.fullscreenElement) document.exitFullscreen();
    else $("#stage").requestFullscreen?.().catch(() => {});
  }

  /** Draws what lies over the picture. @param {object} about `may`, `next` (a title), `startsAt`, `community`, `byLink`, `coming`, `gate` */
  draw(about, run) {
    const { party, curtain } = this;
    const { may, next, startsAt } = about;
    const now = party.now;
    const blocked = party.step?.mode === "blocked" && performance.now() - this.#touched > TOUCHED_MS;
    if (blocked) this.#refused();
    if (party.state === "out") return scenes.out(curtain, party.error, { again: () => party.open(), community: about.community, byLink: about.byLink, coming: about.coming });
    if (party.party?.ended_at) return scenes.out(curtain, { code: "GONE" }, {});
    if (party.state === "joining" && party.error?.code === "FULL") return scenes.out(curtain, party.error, { again: () => party.open() });
    if (!now || !party.party) return; // the page says from the start that one is on the way
    if (this.state === "broken") return scenes.unplayable(curtain, { address: this.content?.platform === "youtube" ? this.content.url : null, again: () => this.show(this.content) });
    if (blocked) return scenes.blocked(curtain, { silent: false, unlock: () => this.unlock() });
    if (now.status === "idle") return scenes.idle(curtain, { may, startsAt, play: run.play });
    if (now.status === "ended") return scenes.ended(curtain, { may, next, replay: run.play, playNext: run.next });
    if (now.status === "waiting") {
      const left = party.latest.effective_at_ms + GATE_MS - now.at_ms;
      return scenes.gate(curtain, { ...about.gate, left });
    }
    if (this.silenced) return scenes.blocked(curtain, { silent: true, unlock: () => this.unlock() });
    curtain.show(null);
  }
}

function readSound() {
  try {
    const { muted = false, volume = 1 } = JSON.parse(localStorage.getItem(SOUND) ?? "{}");
    return { muted: Boolean(muted), volume: Math.min(1, Math.max(0, Number(volume) || 0)) };
  } catch {
    return { muted: false, volume: 1 };
  }
}

function writeSound(sound) {
  try {
    localStorage.setItem(SOUND, JSON.stringify(sound));
  } catch {
    // The browser forbids storage: it holds for this page.
  }
}
