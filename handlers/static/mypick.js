/**
 * @file A client of MyPick for browsers and Node.js 18 or later, over the official Socket.IO client. No build step.
 *
 * ```js
 * import { io } from "socket.io-client"; // in a browser: the global `io` of socket.io.min.js
 * import { MyPick } from "/static/mypick.js";
 *
 * const client = new MyPick({ url: "http://localhost:4000", io });
 * await client.logIn("fan@example.com", "a long password");
 * const { data: feed } = await client.request("GET", "/feed");
 *
 * const inbox = client.namespace("/notifications").connect();
 * inbox.stream(`inbox:${client.user.id}`, {
 *   onEvent: (event) => console.log(event.seq, event.data.title), // each once, in order
 *   onReset: () => console.log("too long away: read GET /notifications and begin anew"),
 * });
 * await inbox.emit("mark-read", { upto_seq: 12 });
 * ```
 */
import { Listeners, MyPickError, backOff, newId, systemClock, wait } from "./mypick/errors.js";
import { Namespace } from "./mypick/namespace.js";
import { Html5Player } from "./mypick/party/html5.js";
import { Party } from "./mypick/party/party.js";
import { YouTubePlayer } from "./mypick/party/youtube.js";
import { Room } from "./mypick/room.js";
import { MemoryStorage, Session } from "./mypick/session.js";
import { Stream } from "./mypick/stream.js";

export { Html5Player, MyPickError, Namespace, Party, Room, Stream, YouTubePlayer };

const PREFIX = "/api/v1";
const TIMEOUT_MS = 15_000;
/** A `Retry-After` up to this is waited for, ms; a longer one goes to the caller. */
const MAX_ASKED_WAIT_MS = 5_000;
const TRY_AGAIN = new Set([429, 500, 502, 503, 504]);

/**
 * @typedef {object} Options
 * @property {string} [url] where the server is; in a browser, where the page came from
 * @property {any} [io] `io` of the official `socket.io-client`, needed for `namespace`
 * @property {typeof globalThis.fetch} [fetch]
 * @property {{getItem(key: string): string | null, setItem(key: string, value: string): void, removeItem(key: string): void}} [storage]
 *   keeps the tokens: `localStorage` in a browser, else memory
 * @property {import("./mypick/errors.js").Clock} [clock]
 * @property {() => number} [random]
 * @property {LockManager} [locks] `navigator.locks`: one refresh at a time over all tabs
 * @property {object} [socketOptions] more options of the official client's Manager
 */

export class MyPick {
  #listeners = new Listeners();
  #namespaces = new Map();
  #manager = null;
  #draining = false;
  #stopWatching = () => {};

  /** @param {Options} [options] */
  constructor(options = {}) {
    const url = options.url ?? globalThis.location?.origin;
    if (!url) throw new MyPickError("INVALID", "Say where the server is: new MyPick({ url }).");
    this.url = url.replace(/\/+$/, "");
    this.io = options.io ?? globalThis.io;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.socketOptions = options.socketOptions ?? {};
    const storage = options.storage ?? browserStorage() ?? new MemoryStorage();
    this.session = new Session({
      refresh: (token) => this.#call("POST", "/auth/refresh", { refresh_token: token }).then(({ data }) => data),
      onChange: (reason, user) => this.#changed(reason, user),
      storage,
      shared: !(storage instanceof MemoryStorage),
      key: "mypick.session",
      clock: this.clock,
      random: this.random,
      locks: "locks" in options ? options.locks : globalThis.navigator?.locks,
    });
    this.#watch(storage);
  }

  /** The profile of who is signed in, or `null`. */
  get user() {
    return this.session.user;
  }

  /**
   * `session`: `(reason, user)` at every change; reasons are `signed-in`, `refreshed`, `signed-out` and `ended` (by the
   * server: the person must sign in again).
   * @returns {() => void} takes the listener away
   */
  on(event, listener) {
    return this.#listeners.on(event, listener);
  }

  /** Makes an account and signs in. @returns {Promise<object>} the profile */
  register({ email, password, display_name }) {
    return this.#signIn("/auth/register", { email, password, display_name });
  }

  /** Signs in. @returns {Promise<object>} the profile */
  logIn(email, password) {
    return this.#signIn("/auth/login", { email, password });
  }

  /** Ends the session on the server where it can be reached, and here in any case. */
  async logOut() {
    try {
      await this.request("POST", "/auth/logout", {}, { retries: 0 });
    } catch {
      // The token is forgotten below; the server lets it expire.
    }
    this.session.end("signed-out");
  }

  /** Closes sockets and timers; the session stays stored. */
  close() {
    for (const namespace of this.#namespaces.values()) namespace.close();
    this.#manager?._close?.();
    this.session.close();
    this.#stopWatching();
  }

  /**
   * One REST call: adds the token, refreshes it once on 401, repeats what can pass, and sends the same
   * `Idempotency-Key` with each try of an unsafe method, so that it is done once.
   *
   * @param {"GET" | "POST" | "PATCH" | "PUT" | "DELETE"} method
   * @param {string} path below `/api/v1`, or a whole path that begins with `/api/`
   * @param {object | null} [body]
   * @param {object} [options]
   * @param {Record<string, string | number | boolean | null | undefined>} [options.query] empty ones are left out
   * @param {string} [options.idempotencyKey]
   * @param {number} [options.retries]
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<{data: any, pagination: {next_cursor: string | null, limit: number} | null, metadata: any}>}
   * @throws {MyPickError}
   */
  async request(method, path, body = null, { query = {}, idempotencyKey, retries = 2, signal } = {}) {
    const key = method === "GET" ? null : (idempotencyKey ?? newId());
    let token = await this.session.token();
    for (let attempt = 0, renewed = false; ; attempt += 1) {
      try {
        return await this.#call(method, path, body, { query, key, token, signal });
      } catch (error) {
        if (error.status === 401 && token && !renewed) {
          renewed = true;
          token = await this.session.token({ not: token });
          continue;
        }
        const passing = error.code === "OFFLINE" || error.code === "TIMEOUT" || TRY_AGAIN.has(error.status);
        const asked = error.retryAfterMs ?? 0;
        if (!passing || attempt >= retries || asked > MAX_ASKED_WAIT_MS || signal?.aborted) throw error;
        await wait(this.clock, Math.max(asked, backOff(attempt, this.random)));
      }
    }
  }

  /**
   * A namespace of the socket door: `/notifications`, `/community` or `/watch-party`. All share one connection.
   * @param {string} name
   * @returns {Namespace}
   */
  namespace(name) {
    if (!this.#namespaces.has(name)) this.#namespaces.set(name, this.#open(name));
    return this.#namespaces.get(name);
  }

  /**
   * A room of a community, live: its messages, and what one does there. `open()` it, and `close()` it at the end.
   * @param {number} id
   * @returns {Room}
   */
  room(id) {
    return new Room(this.namespace("/community").connect(), id, { user: this.user, storage: browserStorage("sessionStorage") ?? undefined });
  }

  /**
   * A watch party, live: what it plays, who is there, and a player kept in step. `open()` it, `attach` a player, and
   * `close()` it at the end.
   * @param {number | null} id
   * @param {{invite?: string}} [options] for who comes by an invite, without an id
   * @returns {Party}
   */
  party(id, { invite } = {}) {
    return new Party(this.namespace("/watch-party").connect(), { id: id ?? undefined, invite, user: this.user });
  }

  /** A `<video>` element as a party's player. */
  html5Player(video) {
    return new Html5Player(video, this.clock);
  }

  /** A `YT.Player` that is ready as a party's player. */
  youtubePlayer(api) {
    return new YouTubePlayer(api, this.clock);
  }

  #open(name) {
    if (!this.io) {
      throw new MyPickError("INVALID", "Sockets need the official client: new MyPick({ io }) from socket.io-client.");
    }
    this.#manager ??= new this.io.Manager(this.url, {
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 15_000,
      randomizationFactor: 0.5,
      timeout: 10_000,
      ...this.socketOptions,
      autoConnect: false,
    });
    let namespace = null;
    const auth = (give) => {
      const use = (token) => {
        namespace.token = token;
        give({ token });
      };
      this.session.token().then(use, () => use(null));
    };
    namespace = new Namespace({
      name,
      socket: this.#manager.socket(name, { auth }),
      session: this.session,
      clock: this.clock,
      random: this.random,
      onDraining: (ms) => this.#drain(ms),
    });
    return namespace;
  }

  /** The server goes down in good order: stay away for the delay it gave, then come back, all namespaces together. */
  #drain(ms) {
    if (this.#draining) return; // every namespace hears it
    this.#draining = true;
    const [manager, namespaces] = [this.#manager, [...this.#namespaces.values()]];
    manager.reconnection(false);
    for (const namespace of namespaces) namespace.drain();
    this.clock.setTimeout(() => {
      this.#draining = false;
      manager.reconnection(true);
      // All leave before the first comes back: they share a connection, and it must be a new one.
      for (const namespace of namespaces) namespace.socket.disconnect();
      for (const namespace of namespaces) namespace.comeBack();
    }, ms);
  }

  async #signIn(path, body) {
    const { data } = await this.#call("POST", path, body);
    this.session.adopt(data);
    return data.user;
  }

  async #call(method, path, body, { query = {}, key = null, token = null, signal } = {}) {
    const url = new URL(this.url + (path.startsWith("/api/") ? path : PREFIX + path));
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
    }
    const headers = { Accept: "application/json" };
    if (body !== null) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    if (key) headers["Idempotency-Key"] = key;
    const limit = new AbortController();
    const timer = this.clock.setTimeout(() => limit.abort(), TIMEOUT_MS);
    const stop = () => limit.abort();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const sent = body === null ? undefined : JSON.stringify(body);
      const response = await this.fetch(url, { method, headers, body: sent, signal: limit.signal, credentials: "omit" });
      const answer = await response.json().catch(() => null);
      if (response.ok && answer?.success) {
        return { data: answer.data, pagination: answer.pagination ?? null, metadata: answer.metadata ?? null };
      }
      throw MyPickError.fromResponse(response.status, answer, retryAfter(response, this.clock));
    } catch (error) {
      if (error instanceof MyPickError || signal?.aborted) throw error;
      if (limit.signal.aborted) throw new MyPickError("TIMEOUT", "The server took too long. Try again.", { retryable: true });
      throw new MyPickError("OFFLINE", "The server cannot be reached. Check the network and try again.", { retryable: true });
    } finally {
      this.clock.clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }

  #changed(reason, user) {
    if (!user) for (const namespace of this.#namespaces.values()) namespace.close();
    this.#listeners.emit("session", reason, user);
  }

  #watch(storage) {
    if (typeof globalThis.addEventListener !== "function" || storage !== browserStorage()) return;
    const changed = (event) => {
      if (event.key === this.session.key || event.key === null) this.session.reload();
    };
    globalThis.addEventListener("storage", changed);
    this.#stopWatching = () => globalThis.removeEventListener("storage", changed);
  }
}

function retryAfter(response, clock) {
  const value = response.headers.get("Retry-After");
  if (!value) return null;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** `null` where there is none or the browser forbids it. */
function browserStorage(name = "localStorage") {
  try {
    return globalThis.window?.[name] ?? null;
  } catch {
    return null;
  }
}
