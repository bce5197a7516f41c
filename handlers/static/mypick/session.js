/**
 * @file Who is signed in, and a token that is always fresh: one refresh at a time, over all tabs.
 *
 * The server ends a session whose refresh token is shown twice, since one of the two may be a thief. So every refresh
 * runs under a lock that all tabs share, and reads the storage again once it has the lock. The access token is stored
 * beside the refresh token: a page that is opened then needs no refresh, and a refresh cut off by leaving the page, which
 * would lose the new token, becomes rare. It gives a reader of the storage nothing that the refresh token does not.
 */
import { MyPickError, backOff, newId, wait } from "./errors.js";

/** A token with less than this left is not used any more, ms; of a token that lives shorter, a tenth of its life. */
const MARGIN_MS = 30_000;
/** Where a browser has no locks (plain HTTP): a lease in the storage; a tab that dies frees it after this, ms. */
const LEASE_MS = 20_000;
/** Longest that setTimeout can wait, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Session {
  #stored = null;
  #refreshing = null;
  #timer = null;
  #failures = 0;

  /**
   * @param {object} options
   * @param {(refreshToken: string) => Promise<object>} options.refresh asks the server for new tokens
   * @param {(reason: "restored" | "signed-in" | "refreshed" | "signed-out" | "ended", user: object | null) => void} options.onChange
   * @param {Storage} options.storage
   * @param {boolean} options.shared other tabs may write to the storage
   * @param {string} options.key
   * @param {import("./errors.js").Clock} options.clock
   * @param {() => number} options.random
   * @param {LockManager | undefined} options.locks
   */
  constructor(options) {
    Object.assign(this, options);
    this.#stored = this.#read();
    this.#arm();
  }

  get user() {
    return this.#stored?.user ?? null;
  }

  /** Takes the answer of register, log-in or refresh. */
  adopt(reply, reason = "signed-in") {
    this.#write({
      user: reply.user ?? this.user,
      access_token: reply.access_token,
      refresh_token: reply.refresh_token,
      expires_at: this.clock.now() + reply.expires_in * 1000,
      life_ms: reply.expires_in * 1000,
    });
    this.#failures = 0;
    this.#arm();
    this.onChange(reason, this.user);
  }

  /** Keeps a changed profile. */
  updateUser(user) {
    if (!this.#stored) return;
    this.#write({ ...this.#stored, user });
    this.onChange("refreshed", user);
  }

  /** Forgets the tokens. */
  end(reason = "signed-out") {
    const had = this.#stored !== null;
    this.#stored = null;
    this.storage.removeItem(this.key);
    this.#disarm();
    if (had) this.onChange(reason, null);
  }

  /** Another tab has written to the storage. */
  reload() {
    const before = this.#stored;
    this.#stored = this.#read();
    this.#arm();
    if (before && !this.#stored) this.onChange("signed-out", null);
    else if (this.#stored && before?.user?.id !== this.#stored.user?.id) this.onChange("signed-in", this.user);
    else if (this.#stored) this.onChange("refreshed", this.user);
  }

  close() {
    this.#disarm();
  }

  /**
   * An access token that is good for a while; `null` if nobody is signed in.
   * @param {{not?: string | null}} [options] `not`: a token that the server has just refused
   */
  async token({ not = null } = {}) {
    if (!this.#stored) return null;
    const { access_token: token } = this.#stored;
    if (token !== not && this.#isGood(this.#stored)) return token;
    return this.#refreshOnce(token);
  }

  #isGood({ expires_at: expires, life_ms: life }) {
    return expires - this.clock.now() > Math.min(MARGIN_MS, life / 10);
  }

  get refreshToken() {
    return this.#stored?.refresh_token ?? null;
  }

  #refreshOnce(stale) {
    this.#refreshing ??= this.#locked(() => this.#refreshNow(stale)).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refreshNow(stale) {
    const stored = this.#read();
    if (!stored) {
      this.end("signed-out"); // another tab has signed out
      return null;
    }
    if (stored.access_token !== stale && this.#isGood(stored)) {
      this.#stored = stored; // another tab was quicker
      this.#arm();
      return stored.access_token;
    }
    try {
      this.adopt(await this.refresh(stored.refresh_token), "refreshed");
      return this.#stored.access_token;
    } catch (error) {
      if (["UNAUTHENTICATED", "FORBIDDEN", "INVALID", "NOT_FOUND"].includes(error.code)) {
        this.end("ended");
        throw new MyPickError("UNAUTHENTICATED", "Your session has ended. Sign in again.", { status: 401 });
      }
      this.#failures += 1;
      this.#arm();
      throw error;
    }
  }

  #locked(run) {
    if (this.locks) return this.locks.request(`${this.key}.refresh`, run);
    return this.shared ? this.#leased(run) : Promise.resolve().then(run);
  }

  async #leased(run) {
    const key = `${this.key}.lease`;
    const owner = newId();
    const give_up = this.clock.now() + 2 * LEASE_MS;
    for (;;) {
      const held = parse(this.storage.getItem(key));
      if (!held || held.until < this.clock.now() || this.clock.now() > give_up) {
        this.storage.setItem(key, JSON.stringify({ owner, until: this.clock.now() + LEASE_MS }));
        await wait(this.clock, 40 + this.random() * 40); // two tabs may have written at once: the last one has it
        if (parse(this.storage.getItem(key))?.owner === owner) break;
      }
      await wait(this.clock, 100);
    }
    try {
      return await run();
    } finally {
      if (parse(this.storage.getItem(key))?.owner === owner) this.storage.removeItem(key);
    }
  }

  /** Refreshes a while before the end: a fifth of the token's life, 90 s at most; tabs do it up to 10 s apart. */
  #arm() {
    this.#disarm();
    if (!this.#stored) return;
    const { expires_at: expires, life_ms: life, access_token: token } = this.#stored;
    const early = Math.min(90_000, life / 5) + this.random() * Math.min(10_000, life / 20);
    const due = expires - early - this.clock.now();
    const delay = this.#failures ? backOff(this.#failures, this.random, { base: 1000, cap: 60_000 }) : due;
    this.#timer = this.clock.setTimeout(
      () => {
        this.#refreshOnce(token).catch(() => {}); // armed again, or ended, by then
      },
      Math.max(0, Math.min(delay, MAX_TIMER_MS)),
    );
    this.#timer?.unref?.();
  }

  #disarm() {
    if (this.#timer !== null) this.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #read() {
    const stored = parse(this.storage.getItem(this.key));
    return stored?.access_token && stored?.refresh_token ? stored : null;
  }

  #write(stored) {
    this.#stored = stored;
    this.storage.setItem(this.key, JSON.stringify(stored));
  }
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Stands in where there is no `localStorage`: the session lives as long as the process. */
export class MemoryStorage {
  #items = new Map();
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  setItem(key, value) {
    this.#items.set(key, String(value));
  }
  removeItem(key) {
    this.#items.delete(key);
  }
}
