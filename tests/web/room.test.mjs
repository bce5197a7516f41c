// The promise of a room: after any cut, what is held equals what the server has, and what was written is said once.
import assert from "node:assert/strict";
import test from "node:test";
import { MyPickError, Room, Stream } from "../../handlers/static/mypick.js";
import { Timeline } from "../../handlers/static/mypick/timeline.js";

const ME = 7;
const person = (id) => ({ id, name: `n${id}`, avatar_url: null });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const clock = { now: () => 0, monotonic: () => 0, setTimeout: (run) => setImmediate(run), clearTimeout: clearImmediate };

function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A room as the server keeps it. */
class Server {
  random = Math.random;
  log = []; // durable events; texts are those of now
  rows = new Map();
  done = new Map(); // cid → reply
  floor = 0;

  get head() {
    return this.log.length;
  }

  append(type, actor, data, id) {
    const event = { type, stream: "room:1", epoch: "e", seq: this.head + 1, id: id ?? 1_000 + this.head, at: "", actor: actor && person(actor), data };
    this.log.push(event);
    return event;
  }

  send(author, text, cid = null, replyTo = null) {
    if (this.done.has(cid)) return { ...this.done.get(cid), duplicate: true };
    const id = 1_000 + this.head;
    const event = this.append("message-created", author, null, id);
    this.rows.set(id, { id, seq: event.seq, author, text, rev: 1, deleted: false, reply_to: replyTo, reactions: new Map() });
    const reply = { id, seq: event.seq, status: "sent", duplicate: false };
    if (cid) this.done.set(cid, reply);
    return reply;
  }

  edit(row, text) {
    Object.assign(row, { text, rev: row.rev + 1 });
    this.append("message-edited", row.author, { message_id: row.id });
  }

  remove(row) {
    Object.assign(row, { text: "", deleted: true, reactions: new Map() });
    this.append("message-deleted", row.author, { message_id: row.id, by_moderator: false });
  }

  react(row, who, emoji, on) {
    if (row.deleted) throw new MyPickError("GONE", "gone");
    const people = row.reactions.get(emoji) ?? new Set();
    if (people.has(who) === on) return { seq: row.changed ?? row.seq };
    people[on ? "add" : "delete"](who);
    if (people.size) row.reactions.set(emoji, people);
    else row.reactions.delete(emoji);
    if (this.random() < 0.5) row.due = true; // told later, with others
    else row.changed = this.append("reaction-changed", who, { message_id: row.id, emoji, on, reactions: this.counts(row) }).seq;
    return { seq: row.changed ?? row.seq };
  }

  tellReactions() {
    for (const row of this.rows.values()) {
      if (row.due && !row.deleted) row.changed = this.append("reaction-changed", null, { message_id: row.id, emoji: null, on: null, reactions: this.counts(row) }).seq;
      row.due = false;
    }
  }

  counts = (row) => [...row.reactions].map(([emoji, people]) => ({ emoji, count: people.size })).sort((a, b) => (a.emoji < b.emoji ? -1 : 1));

  data = (row) => ({ message_id: row.id, text: row.text, rev: row.rev, edited_at: null, deleted: row.deleted, mentions: [], reply_to: row.reply_to, thread_id: null, reactions: this.counts(row), pinned: false });

  shown(event) {
    const row = this.rows.get(event.id) ?? this.rows.get(event.data.message_id);
    if (event.type === "message-created") return { ...event, data: this.data(row) };
    return event.type === "message-edited" ? { ...event, data: this.data(row) } : event;
  }

  history(before, limit) {
    const rows = [...this.rows.values()].filter(({ seq }) => seq < before);
    const page = rows.slice(-limit);
    const events = page.map((row) => this.shown(this.log[row.seq - 1]));
    const own = page.flatMap((row) => [...row.reactions].filter(([, people]) => people.has(ME)).map(([emoji]) => ({ message_id: row.id, emoji })));
    return { events, more: rows.length > limit, own_reactions: own };
  }

  sync(after, limit) {
    const common = { stream: "room:1", epoch: "e", head_seq: this.head, floor_seq: this.floor };
    if (after === undefined || after < this.floor || after > this.head) return { ...common, reset: true, events: [], more: false };
    const events = this.log.slice(after, after + limit).map((event) => this.shown(event));
    return { ...common, reset: false, events, more: after + events.length < this.head };
  }

  join(after) {
    const about = { role: "member", mode: {}, online: 1, timeout: null, read_seq: 0 };
    const reply = this.sync(after, 5);
    return reply.reset ? { ...reply, ...this.history(this.head + 1, 5), ...about } : { ...reply, ...about, own_reactions: [] };
  }
}

/** A connection that loses replies and breaks; commands are done in the order in which they were given. */
class Link {
  state = "online";
  socket = { id: 1 };
  clock = clock;
  #listeners = new Map();
  #stream = null;
  #under = [];
  #last = Promise.resolve();

  constructor(server, random) {
    Object.assign(this, { server, random, joined: false, told: 0 });
  }

  on(event, listener) {
    this.#listeners.set(event, listener);
    return () => this.#listeners.delete(event);
  }

  onState(listener) {
    listener(this.state);
    return this.on("state", listener);
  }

  stream(key, options) {
    this.#stream = new Stream(key, { clock, random: this.random, limit: 5, maxHeld: 5, ...options });
    this.#stream.resume();
    return this.#stream;
  }

  forget() {
    this.#stream?.close();
  }

  send() {}

  cut() {
    Object.assign(this, { state: "reconnecting", joined: false });
    this.#stream.pause();
    this.#under = [];
    this.#listeners.get("state")?.("reconnecting");
  }

  mend() {
    if (this.state === "online") return;
    Object.assign(this, { state: "online", socket: { id: this.socket.id + 1 } });
    this.#listeners.get("state")?.("online");
    this.#stream.resume();
  }

  /** Carries what was appended: some of it late, some never. */
  carry() {
    for (; this.told < this.server.head; this.told += 1) {
      const event = this.server.shown(this.server.log[this.told]);
      if (this.joined && this.random() < 0.85) this.#under.push(event);
    }
    while (this.#under.length && this.random() < 0.6) this.#stream.receive(this.#under.shift());
  }

  catchUp() {
    this.#stream.reached(this.server.head);
  }

  get behind() {
    return this.#stream.behind || this.#stream.seq < this.server.head;
  }

  /** One command after the other, as the server does them. */
  emit(event, body) {
    const answer = this.#last.then(() => this.#answer(event, body));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #answer(event, body) {
    for (let delay = Math.floor(this.random() * 3); delay > 0; delay -= 1) await turn();
    const lost = () => new MyPickError("TIMEOUT", "lost", { retryable: true });
    const here = this.socket.id;
    if (this.state !== "online" || this.random() < 0.1) throw lost();
    const { server } = this;
    let reply = {};
    if (event === "join-room") {
      reply = server.join(body.after_seq);
      this.joined = true;
    } else if (event === "sync") reply = server.sync(body.after_seq, body.limit);
    else if (event === "history") reply = server.history(body.before_seq, body.limit);
    else if (event === "send-message") reply = server.send(ME, body.text, body.cid, body.reply_to);
    else if (event === "react") reply = server.react(server.rows.get(body.message_id), ME, body.emoji, body.on);
    for (let delay = Math.floor(this.random() * 3); delay > 0; delay -= 1) await turn();
    if (event === "react") return reply; // sent again until it is answered
    if (this.random() < 0.15 || here !== this.socket.id) throw lost(); // done, and nobody heard of it
    return reply;
  }
}

const pick = (list, random) => list[Math.floor(random() * list.length)];

async function drive(seed) {
  const random = seeded(seed);
  const server = Object.assign(new Server(), { random });
  for (let number = 0; number < 12; number += 1) server.send(1, `old ${number}`);
  const link = new Link(server, random);
  link.random = random;
  const room = new Room(link, 1, { user: person(ME) }).open();
  const [written, asked] = [[], []];
  for (let step = 0; step < 120; step += 1) {
    const dice = random();
    const row = pick([...server.rows.values()], random);
    const held = pick(room.messages, random);
    if (dice < 0.2) server.send(1 + Math.floor(random() * 3), `other ${step}`);
    else if (dice < 0.35) {
      const text = random() < 0.3 ? "ㅋㅋ" : `mine ${step}`;
      if (room.send(text)) written.push(text);
    } else if (dice < 0.45 && !row.deleted) server.edit(row, `edited ${step}`);
    else if (dice < 0.5 && !row.deleted && row.author !== ME) server.remove(row);
    else if (dice < 0.55 && !row.deleted) server.react(row, 1 + Math.floor(random() * 3), pick(["a", "b"], random), random() < 0.7);
    else if (dice < 0.6 && held && !held.deleted) asked.push(room.react(held, pick(["a", "b"], random), random() < 0.7).catch(() => {}));
    else if (dice < 0.65) link.cut();
    else if (dice < 0.72) link.mend();
    else if (dice < 0.76) room.loadOlder().catch(() => {});
    else if (dice < 0.8) room.goTo(1 + Math.floor(random() * server.head)).catch(() => {});
    else if (dice < 0.84) room.loadNewer().catch(() => {});
    else if (dice < 0.88) room.goToLatest().catch(() => {});
    else if (dice < 0.89) server.floor = Math.floor(random() * server.head);
    if (random() < 0.2) server.tellReactions();
    link.carry();
    if (random() < 0.6) await turn();
  }
  await Promise.all(asked);
  server.tellReactions();
  for (let turns = 0; turns < 3_000; turns += 1) {
    link.mend();
    link.carry();
    if (turns % 50 === 0) link.catchUp();
    if (!link.behind && room.outbox.entries.length === 0 && !room.timeline.older && !room.timeline.newer && room.state === "live") break;
    if (!link.behind && turns % 10 === 0) await (room.timeline.newer ? room.goToLatest() : room.loadOlder()).catch(() => {});
    await turn();
  }
  const truth = [...server.rows.values()].map((row) => [row.id, row.text, row.deleted, server.counts(row).map(({ emoji, count }) => `${emoji}${count}`).join()]);
  const seen = room.messages.map((message) => [message.id, message.text, message.deleted, message.reactions.map(({ emoji, count }) => `${emoji}${count}`).join()]);
  assert.deepEqual(seen, truth, `seed ${seed}`);
  assert.deepEqual(room.outbox.entries, [], `seed ${seed}`);
  const mine = room.messages.filter(({ author }) => author.id === ME);
  assert.equal(mine.length, written.length, `seed ${seed}: what was written is said once`);
  const marks = room.messages.flatMap(({ id, reactions }) => reactions.filter((one) => one.mine).map(({ emoji }) => `${id}${emoji}`));
  const own = [...server.rows.values()].flatMap((row) => [...row.reactions].filter(([, people]) => people.has(ME)).map(([emoji]) => `${row.id}${emoji}`));
  assert.deepEqual(marks.sort(), own.sort(), `seed ${seed}: one's own reactions are marked`);
}

test("after cuts, lost replies and wandering in the past the room equals the server's", async () => {
  for (let seed = 1; seed <= 100; seed += 1) await drive(seed);
});

function linkThat(answer) {
  const link = new Link(new Server(), () => 0.5);
  link.emit = async (event, body) => (event === "join-room" ? link.server.join() : answer(event, body));
  return link;
}

const settled = (condition) => (async () => {
  for (let turns = 0; turns < 500 && !condition(); turns += 1) await turn();
  assert.ok(condition());
})();

test("what the server refuses stays, with the reason, until it is tried again or thrown away", async () => {
  let refuse = true;
  const cids = [];
  const link = linkThat(async (_, { cid }) => {
    cids.push(cid);
    if (refuse) throw new MyPickError("LOCKED", "locked");
    return { id: 5, seq: 1, status: "held" };
  });
  const room = new Room(link, 1, { user: person(ME) }).open();
  const { cid } = room.send("hello");
  await settled(() => room.outbox.entries[0].state === "failed");
  assert.equal(room.outbox.entries[0].error.code, "LOCKED");
  refuse = false;
  room.outbox.retry(cid);
  await settled(() => room.outbox.entries[0].state === "held");
  assert.deepEqual(cids, [cid, cid]);
  room.outbox.discard(cid);
  assert.deepEqual(room.outbox.shown, []);
});

test("what was not sent survives the page, with its cid", async () => {
  const items = new Map();
  const storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
  const never = linkThat(() => new Promise(() => {}));
  const before = new Room(never, 1, { user: person(ME), storage }).open();
  const { cid } = before.send("hello");
  before.close();
  const link = new Link(new Server(), () => 0.5);
  const after = new Room(link, 1, { user: person(ME), storage }).open();
  assert.equal(after.outbox.entries[0].cid, cid);
  await settled(() => link.server.done.has(cid));
  const other = new Room(link, 1, { user: person(8), storage });
  assert.deepEqual(other.outbox.entries, [], "another person has other words");
});

test("a timeline holds so many messages and lets go of the far end", () => {
  const timeline = new Timeline(ME, { maxKept: 10 });
  const event = (seq) => ({ type: "message-created", id: seq, seq, at: "", actor: null, data: { message_id: seq, text: "", rev: 1, edited_at: null, deleted: false, mentions: [], reply_to: null, thread_id: null, reactions: [], pinned: false } });
  timeline.reset([], { older: false });
  for (let seq = 101; seq <= 115; seq += 1) timeline.apply(event(seq));
  assert.deepEqual([timeline.messages.length, timeline.first.seq, timeline.older], [10, 106, true]);
  timeline.addOlder([103, 104, 105].map(event), { older: true });
  assert.deepEqual([timeline.messages.length, timeline.last.seq, timeline.newer], [10, 112, true]);
  assert.equal(timeline.apply(event(116)), null, "it does not belong behind a stretch of the past");
});
