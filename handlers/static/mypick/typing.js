/**
 * @file Who types in a room: told seldom, shown for a little longer than until it would be told again.
 */

/** ms */
const TELL_EVERY = 4_000;
const SHOW_FOR = 6_000;
/** People shown as typing; the server tells it only in rooms of up to 100. */
const MAX_SHOWN = 100;

export class Typing {
  #told = -Infinity;
  #people = new Map(); // user id → {user, until}

  /**
   * @param {import("./errors.js").Clock} clock
   * @param {(people: {id: number, name: string}[]) => void} onChange
   */
  constructor(clock, onChange) {
    Object.assign(this, { clock, onChange });
  }

  /** Whether it is time to tell the others again that one types. */
  due() {
    const now = this.clock.monotonic();
    if (now - this.#told < TELL_EVERY) return false;
    this.#told = now;
    return true;
  }

  /** One's own message is out: what is typed from now on is told at once. */
  rest() {
    this.#told = -Infinity;
  }

  seen(user) {
    if (this.#people.size >= MAX_SHOWN && !this.#people.has(user.id)) return;
    this.#people.set(user.id, { user, until: this.clock.monotonic() + SHOW_FOR });
    this.clock.setTimeout(() => this.forget(user.id, this.clock.monotonic()), SHOW_FOR + 50);
    this.#tell();
  }

  forget(id, now = Infinity) {
    const found = this.#people.get(id);
    if (!found || found.until > now) return;
    this.#people.delete(id);
    this.#tell();
  }

  #tell() {
    this.onChange([...this.#people.values()].map(({ user }) => user));
  }
}
