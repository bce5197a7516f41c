/**
 * @file What somebody has written and the server may not have yet: sent in order, again after every failure that can
 * pass, with the same `cid`, so that it is said once.
 */
import { backOff, newId, wait } from "./errors.js";

/** Unsent messages of one room; one more is refused. */
const MAX_ENTRIES = 50;
/** Older than this it is not sent by itself any more: the talk has moved on. */
const STALE_MS = 3_600_000;
/** After these the same message is sent again by itself. */
const PASSING = new Set(["OFFLINE", "TIMEOUT", "UNAVAILABLE", "INTERNAL", "QUEUE_FULL", "CLOSED"]);

/**
 * @typedef {object} Entry
 * @property {string} cid
 * @property {string} text
 * @property {number | null} reply_to
 * @property {number} written_at
 * @property {"waiting" | "sending" | "sent" | "held" | "failed"} state `sent`: its event is still on its way
 * @property {import("./errors.js").MyPickError | null} error why it failed
 */

export class Outbox {
  /** @type {Entry[]} */ entries = [];
  #running = false;
  #closed = false;

  /**
   * @param {object} options
   * @param {(entry: Entry) => Promise<{id: number, seq: number | null, status: "sent" | "held"}>} options.send
   * @param {(seq: number) => boolean} options.has whether the room has got so far
   * @param {() => void} options.onChange
   * @param {{getItem(key: string): string | null, setItem(key: string, value: string): void, removeItem(key: string): void}} options.storage
   * @param {string} options.key
   * @param {import("./errors.js").Clock} options.clock
   * @param {() => number} options.random
   */
  constructor(options) {
    Object.assign(this, options);
    this.entries = this.#restore();
  }

  /** Those that the room does not show yet. */
  get shown() {
    return this.entries.filter((entry) => entry.bound === null);
  }

  /** @returns {Entry | null} `null` where too many wait already */
  add(text, replyTo = null) {
    if (this.entries.length >= MAX_ENTRIES) return null;
    const entry = { cid: newId(), text, reply_to: replyTo, written_at: this.clock.now(), ...FRESH };
    this.entries.push(entry);
    this.#changed();
    this.wake();
    return entry;
  }

  retry(cid) {
    const entry = this.#find(cid);
    if (entry?.state !== "failed") return;
    Object.assign(entry, { state: "waiting", error: null, written_at: this.clock.now() });
    this.#changed();
    this.wake();
  }

  discard(cid) {
    this.entries = this.entries.filter((entry) => entry.cid !== cid || !["failed", "held"].includes(entry.state));
    this.#changed();
  }

  /**
   * The room shows a message of one's own. Its event names no cid and may overtake the ack: what reads the same and is
   * on its way is taken for it until the ack says which it was.
   */
  arrived({ id, text, reply_to: replyTo }) {
    const same = (entry) => entry.tried && entry.id === null && entry.bound === null && entry.reply_to === replyTo && plain(entry.text) === plain(text);
    const known = this.entries.find((entry) => entry.id === id || entry.bound === id);
    if (known && known.id === id) this.#remove(known);
    else if (!known) {
      const likely = this.entries.find(same);
      if (likely) likely.bound = id;
    }
    this.#changed();
  }

  /** The room has begun anew, further on. */
  passed() {
    this.entries = this.entries.filter(({ state, seq }) => state !== "sent" || !this.has(seq));
    this.#changed();
  }

  /** There may be a connection again. */
  wake() {
    if (this.#running || this.#closed) return;
    this.#running = true;
    this.#run().finally(() => {
      this.#running = false;
      if (this.#next()) this.wake();
    });
  }

  close() {
    this.#closed = true;
  }

  async #run() {
    for (let entry, failures = 0; !this.#closed && (entry = this.#next()); ) {
      Object.assign(entry, { state: "sending", tried: true });
      this.#changed();
      try {
        this.#done(entry, await this.send(entry));
        failures = 0;
      } catch (error) {
        if (this.#closed) return; // it is stored as waiting
        const again = PASSING.has(error.code) && this.clock.now() - entry.written_at < STALE_MS;
        Object.assign(entry, again ? { state: "waiting" } : { state: "failed", error, bound: null });
        this.#changed();
        if (again) await wait(this.clock, backOff(failures++, this.random, { base: 1_000 }));
      }
    }
  }

  #done(entry, { id, seq, status }) {
    if (status === "held") Object.assign(entry, { state: "held", id, bound: null });
    else if (this.has(seq)) this.#remove(entry);
    else Object.assign(entry, { state: "sent", id, seq, bound: null });
    this.#changed();
  }

  #next() {
    return this.#closed ? undefined : this.entries.find(({ state }) => state === "waiting");
  }

  #find(cid) {
    return this.entries.find((entry) => entry.cid === cid);
  }

  #remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  #changed() {
    const kept = this.entries.filter(({ state }) => state !== "sent");
    const stored = kept.map(({ cid, text, reply_to, written_at, state, id, tried }) => ({ cid, text, reply_to, written_at, state, id, tried }));
    try {
      if (stored.length) this.storage.setItem(this.key, JSON.stringify(stored));
      else this.storage.removeItem(this.key);
    } catch {
      // The storage is full or forbidden: what is unsent lives as long as the page.
    }
    this.onChange();
  }

  #restore() {
    try {
      const stored = JSON.parse(this.storage.getItem(this.key) ?? "[]");
      return stored.slice(0, MAX_ENTRIES).map((entry) => ({ ...FRESH, ...entry, state: this.#stateNow(entry) }));
    } catch {
      return [];
    }
  }

  #stateNow({ state, written_at: at }) {
    if (state === "held" || state === "failed") return state;
    return this.clock.now() - at < STALE_MS ? "waiting" : "failed";
  }
}

const FRESH = { state: "waiting", error: null, id: null, seq: null, bound: null, tried: false };

/** As the server stores it. */
const plain = (text) => text.replace(/\r\n?/g, "\n").normalize("NFC").trim();
