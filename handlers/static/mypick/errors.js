/**
 * @file What can go wrong, and the small tools that every part of the client needs.
 */

/**
 * Every failure that this client reports.
 *
 * `code` is one of the server's codes, or one of those made here:
 * `OFFLINE` (no connection), `TIMEOUT` (no reply in time), `QUEUE_FULL` (too many commands wait),
 * `CLOSED` (the client was closed).
 */
export class MyPickError extends Error {
  /**
   * @param {string} code
   * @param {string} message says what is wrong and what to do
   * @param {{retryable?: boolean, retryAfterMs?: number | null, details?: any, status?: number}} [more]
   */
  constructor(code, message, { retryable = false, retryAfterMs = null, details = null, status = 0 } = {}) {
    super(message);
    this.name = "MyPickError";
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    this.details = details;
    this.status = status;
  }

  /** From the `error` of an ack, or the `data` of a `connect_error`. */
  static fromAck(error) {
    return new MyPickError(error?.code ?? "INTERNAL", error?.message ?? "The server gave no reason.", {
      retryable: error?.retryable ?? RETRYABLE.has(error?.code),
      retryAfterMs: error?.retry_after_ms ?? null,
      details: error?.details ?? null,
    });
  }

  /** From an HTTP answer that was not a success. */
  static fromResponse(status, body, retryAfterMs) {
    const code = body?.error?.code ?? (status === 401 ? "UNAUTHENTICATED" : status >= 500 ? "UNAVAILABLE" : "INVALID");
    return new MyPickError(code, body?.error?.message ?? `The server answered ${status}.`, {
      retryable: RETRYABLE.has(code),
      retryAfterMs,
      details: body?.error?.details ?? null,
      status,
    });
  }
}

/** Codes after which the same command may succeed later. Acks say it themselves; HTTP answers do not. */
export const RETRYABLE = new Set([
  "RATE_LIMITED",
  "SLOW_MODE",
  "TIMED_OUT",
  "FOLLOW_AGE",
  "FULL",
  "UPSTREAM_FAILED",
  "QUOTA_EXHAUSTED",
  "UNAVAILABLE",
  "INTERNAL",
  "OFFLINE",
  "TIMEOUT",
]);

/**
 * Time, as one object, so that a test can bring its own.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {() => number} monotonic milliseconds that never jump
 * @property {(run: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
};

/** A promise that is kept after `ms`. */
export const wait = (clock, ms) => new Promise((resolve) => clock.setTimeout(resolve, ms));

/** Milliseconds before try number `attempt` (0, 1, …): doubles up to `cap`, of which a random half is left out. */
export function backOff(attempt, random, { base = 300, cap = 15_000 } = {}) {
  return Math.min(cap, base * 2 ** Math.min(attempt, 16)) * (0.5 + random() / 2);
}

/** 128 random bits as 32 hexadecimal digits. `crypto.randomUUID` is missing on plain HTTP, this is not. */
export function newId() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Calls listeners; one that throws does not keep the others from being called. */
export class Listeners {
  #listeners = new Map();

  /** @returns {() => void} takes the listener away again */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event)?.delete(listener);
  }

  emit(event, ...values) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        reportLater(error);
      }
    }
  }
}

/** Shows an error of someone else's callback in the console, without stopping what goes on here. */
export function reportLater(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}
