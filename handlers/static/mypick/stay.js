/**
 * @file Being somewhere: coming in, coming back after every cut, and being put out.
 */
import { MyPickError, backOff, wait } from "./errors.js";

/** Tries to come in after the stream has given up, and the longest wait between tries to find the way, ms. */
const AGAIN_MS = 10_000;
/** One try: `Stay` decides itself when the next is due. */
const ONCE = { timeout: 10_000, retries: 0, expires: 15_000 };

/**
 * A stay in a room or a party, which is a durable stream of `namespace` that one joins. What is asked before `close` and
 * answered after it changes nothing; who was let in meanwhile goes out again.
 */
export class Stay {
  /** `joining`, `live`, `away` (no connection) or `out`. @type {"joining" | "live" | "away" | "out"} */
  state = "joining";
  /** Why one is out, or why one is not in yet. @type {MyPickError | null} */
  error = null;
  #namespace;
  #options;
  #stream = null;
  #joinedOn = null; // the socket's id
  #stops = [];
  #turn = 0; // of being open: what was begun in an earlier one is void
  #open = false;

  /**
   * @param {import("./namespace.js").Namespace} namespace
   * @param {object} options
   * @param {"room" | "party"} options.kind of `join-…` and `leave-…`
   * @param {() => object} options.place the command's own words for where: `{room_id}` or `{party_id}`
   * @param {(reply: any, resumed: boolean) => import("./stream.js").SyncReply} options.entered takes what `join-…` brings,
   *   and gives what of it the stream takes; `resumed`: the place that was named can be gone on from
   * @param {() => Promise<string>} [options.find] the stream's key, where `open` was not told it; comes in by that
   * @param {(event: import("./stream.js").StreamEvent) => void} options.onEvent
   * @param {(reply: any) => void} [options.onReset]
   * @param {(state: string) => void} options.onState at every change, and where `error` is another while one waits
   * @param {() => void} [options.onCut] there is no connection
   * @param {Record<string, (told: any) => void>} [options.hears] other events of the namespace, while open
   */
  constructor(namespace, options) {
    this.#namespace = namespace;
    this.#options = options;
  }

  /** The last place in the stream that was reached. */
  get seq() {
    return this.#stream?.seq ?? 0;
  }

  /** Comes in, and comes back after every cut, until `close`. Without `key` it is found first. */
  open(key = null) {
    this.#stop();
    this.#open = true;
    this.error = null;
    this.#become("joining");
    const namespace = this.#namespace;
    this.#stops = [
      ...Object.entries(this.#options.hears ?? {}).map(([event, hear]) => namespace.on(event, hear)),
      namespace.on("evicted", (told) => told.stream === this.#stream?.key && this.#evicted(told)),
      namespace.onState((state) => this.#connection(state)),
    ];
    if (!this.#open) return; // signed out already
    if (key === null) this.#find();
    else this.#follow(key);
  }

  /** Goes out. */
  close() {
    const inside = this.#joinedOn !== null;
    this.#stop();
    if (inside) this.#leave();
  }

  /** Ends it, for a reason that waiting does not change. `open` begins anew. */
  #out(error) {
    this.#end();
    this.error = error;
    this.#become("out");
  }

  #follow(key) {
    const turn = this.#turn;
    this.#stream = this.#namespace.stream(key, {
      sync: (asked) => this.#sync(asked, turn),
      onEvent: this.#options.onEvent,
      onReset: this.#options.onReset,
      onError: (error) => this.#refused(error, turn),
    });
  }

  /** Tries until the way is found, or known to be none. */
  async #find() {
    const turn = this.#turn;
    const { clock, random } = this.#namespace;
    for (let failures = 0; turn === this.#turn; failures += 1) {
      try {
        const key = await this.#options.find(ONCE);
        if (turn === this.#turn) this.#follow(key);
        else if (!this.#open) this.#leave();
        return;
      } catch (error) {
        if (turn !== this.#turn) return;
        if (!error.retryable) return this.#out(error);
        this.#waits(error);
        await wait(clock, Math.max(error.retryAfterMs ?? 0, backOff(failures, random, { cap: AGAIN_MS })));
      }
    }
  }

  async #sync(asked, turn) {
    const here = this.#namespace.socket.id;
    if (this.#joinedOn === here) {
      const reply = await this.#namespace.emit("sync", asked, ONCE);
      if (!reply.reset) return reply;
    }
    const { kind, place, entered } = this.#options;
    const from = asked.epoch && this.#joinedOn !== here ? { epoch: asked.epoch, after_seq: asked.after_seq } : {};
    const reply = await this.#namespace.emit(`join-${kind}`, { ...place(), ...from }, ONCE);
    if (turn !== this.#turn) {
      if (!this.#open) this.#leave();
      return reply; // the stream is closed
    }
    this.#joinedOn = here;
    this.error = null;
    const taken = entered(reply, Boolean(from.epoch) && !reply.reset);
    this.#become("live");
    return taken;
  }

  #leave() {
    const { kind, place } = this.#options;
    if (this.#namespace.state === "online") this.#namespace.emit(`leave-${kind}`, place()).catch(() => {});
  }

  #connection(state) {
    if (state === "online" || this.state === "out") return; // coming in again says it
    this.#options.onCut?.();
    if (state === "signed-out") this.#out(new MyPickError("UNAUTHENTICATED", "Your session has ended. Sign in again."));
    else if (this.state === "live") this.#become("away");
  }

  #refused(error, turn) {
    if (turn !== this.#turn) return;
    if (!error.retryable) return this.#out(error);
    this.#waits(error);
    this.#namespace.clock.setTimeout(() => {
      if (turn === this.#turn && this.#namespace.state === "online") this.#stream?.resume();
    }, AGAIN_MS);
  }

  /** Not in, and not for good: who looks may want to know why. */
  #waits(error) {
    this.error = error;
    this.#options.onState(this.state);
  }

  #evicted({ code, until = null, reason = null }) {
    this.#joinedOn = null;
    if (code === "UNAUTHENTICATED") return; // the next token lets in again
    this.#out(new MyPickError(code, reason ?? `You were removed from the ${this.#options.kind}.`, { details: { until, reason } }));
  }

  #become(state) {
    if (state === this.state && state !== "out") return;
    this.state = state;
    this.#options.onState(state);
  }

  /** Follows nothing any more. */
  #end() {
    this.#turn += 1;
    this.#open = false;
    this.#joinedOn = null;
    for (const stop of this.#stops.splice(0)) stop();
    if (this.#stream) this.#namespace.forget(this.#stream.key);
  }

  #stop() {
    this.#end();
    this.#stream = null;
  }
}
