// What a scene has: the stage that scenes.py keeps, and people.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

export const PASSWORD = "a long enough password";
/**
 * How long something may take to happen, ms. The platform is polled each second, but what a killed server had claimed
 * it keeps for 15 s, be it a poll or the telling of followers, and one killed later in its turn as long again.
 */
const PATIENCE_MS = 45_000;

export class Stage {
  #asked = new Map();
  #closers = [];

  constructor({ url, given }) {
    Object.assign(this, { url, given });
    this.lines = createInterface({ input: process.stdin });
    this.lines.on("line", (line) => {
      const { n, result } = JSON.parse(line);
      this.#asked.get(n)(result);
      this.#asked.delete(n);
    });
  }

  /** Asks the process that keeps the stage. */
  ask(what, ...args) {
    return new Promise((resolve) => {
      const n = this.#asked.size ? Math.max(...this.#asked.keys()) + 1 : 1;
      this.#asked.set(n, resolve);
      process.stdout.write(`@ask ${JSON.stringify({ n, what, arguments: args })}\n`);
    });
  }

  /** A new channel on the platform; scenes share the stage, so its handle is made unique. */
  async channel(word, title) {
    const handle = word + this.#unique();
    return { handle, id: await this.ask("channel", handle, title) };
  }

  /** The channel publishes a video. */
  publish(channel, title) {
    return this.ask("publish", channel.id, title);
  }

  /** SIGKILL, then `meanwhile`, then the same server again on the same port. */
  async crash(meanwhile = async () => {}) {
    await this.ask("kill");
    await meanwhile();
    await this.ask("restart");
  }

  /** Called when the scene is over, whatever became of it; the last one first. */
  atEnd(close) {
    this.#closers.push(close);
  }

  async close() {
    for (const close of this.#closers.reverse()) await close();
    this.lines.close();
    process.stdin.destroy();
  }

  /** Somebody with an account, at the REST door. */
  async person(name) {
    const person = new Person(this.url);
    await person.register(this.email(name.replace(/[^a-z]/gi, "") || "someone"), name);
    return person;
  }

  email(name) {
    return `${name}-${this.#unique()}@example.com`;
  }

  #unique() {
    return randomBytes(4).toString("hex");
  }
}

export class Person {
  constructor(url) {
    this.url = url;
    this.token = null;
  }

  async register(email, name) {
    this.email = email;
    const data = await this.call("POST", "/auth/register", { email, password: PASSWORD, display_name: name });
    [this.user, this.token, this.session] = [data.user, data.access_token, data];
  }

  async logIn() {
    const data = await this.call("POST", "/auth/login", { email: this.email, password: PASSWORD });
    this.token = data.access_token;
  }

  async answer(method, path, body) {
    const headers = { "Content-Type": "application/json" };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: response.status, ...(await response.json()) };
  }

  async call(method, path, body) {
    const answer = await this.answer(method, path, body);
    assert.ok(answer.success, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.data;
  }

  async follow(channel) {
    const creator = await this.call("POST", "/creators", { source: "@" + channel.handle });
    await this.call("POST", `/creators/${creator.id}/subscribe`);
    return creator;
  }

  /** The whole inbox as the server has it, oldest first. */
  async inbox() {
    const all = [];
    for (let cursor = ""; ; ) {
      const answer = await this.answer("GET", `/notifications?limit=50${cursor && "&cursor=" + encodeURIComponent(cursor)}`);
      assert.ok(answer.success, JSON.stringify(answer));
      all.push(...answer.data);
      cursor = answer.pagination.next_cursor;
      if (!cursor) return all.reverse();
    }
  }
}

/** Looks every 20 ms until `condition` gives something true. */
export async function until(condition, what, within = PATIENCE_MS) {
  const end = performance.now() + within;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (performance.now() > end) assert.fail(`it did not happen: ${typeof what === "function" ? what() : (what ?? condition)}`);
    await wait(20);
  }
}
