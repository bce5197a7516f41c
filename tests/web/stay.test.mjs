// Being in a room or a party: coming in, being refused, put out or cut off, and leaving at any moment.
import assert from "node:assert/strict";
import test from "node:test";
import { MyPickError, Party, Room, Stream } from "../../handlers/static/mypick.js";
import { Time } from "./time.mjs";

const HOST = { id: 1, name: "h", avatar_url: null };
const MOMENT = { status: "idle", content_id: 5, anchor_position_ms: 0, anchor_at_ms: 0, effective_at_ms: 0, rate: 1, reason: "load", epoch: "e", seq: 1 };
const PARTY = {
  party: { id: 9, title: "A film", host: HOST },
  timeline: MOMENT,
  members: [{ user: HOST, role: "host", since_ms: 0 }],
  queue: [],
  own_votes: [],
  messages: [],
  role: "guest",
  online: 1,
};
const ROOM = { role: "member", mode: {}, online: 1, timeout: null, read_seq: 0 };

/** The server's end of a namespace. Each way takes 30 ms; `answers` are given in their order before the usual one. */
class Server {
  state = "online";
  socket = { id: "one" };
  random = () => 0.5;
  asked = [];
  answers = [];
  log = []; // after the first event, which is no one's business
  #listeners = new Map();
  #streams = new Set();
  constructor(time) {
    this.clock = time;
  }

  on(event, listener) {
    const held = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, held.add(listener));
    return () => held.delete(listener);
  }

  onState(listener) {
    listener(this.state);
    return this.on("state", listener);
  }

  tell(event, told) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(told);
  }

  stream(key, options) {
    const stream = new Stream(key, { clock: this.clock, random: this.random, ...options });
    this.#streams.add(stream);
    if (this.state === "online") stream.resume();
    return stream;
  }

  forget(key) {
    for (const stream of this.#streams) if (stream.key === key) stream.close();
  }

  become(state) {
    this.state = state;
    if (state === "online") this.socket = { id: `${this.socket.id}+` };
    this.tell("state", state);
    for (const stream of this.#streams) state === "online" ? stream.resume() : stream.pause();
  }

  append(type, data, actor = HOST) {
    const seq = this.log.length + 2;
    const event = { type, stream: "party:9", epoch: "e", seq, id: 100 + seq, at: "2026-11-01T00:00:00.000Z", actor, data };
    this.log.push(event);
    return event;
  }

  /** One that is heard. */
  say(type, data, actor = HOST) {
    const event = this.append(type, data, actor);
    for (const stream of this.#streams) stream.receive(event);
  }

  async emit(event, data) {
    const way = () => new Promise((resolve) => this.clock.setTimeout(resolve, 30));
    await way();
    this.asked.push([event, data]);
    const answer = event.startsWith("join-") && this.answers.length ? this.answers.shift() : this.#usual(event, data);
    await way();
    if (answer instanceof Error) throw answer;
    return answer;
  }

  #usual(event, data) {
    if (event === "clock") return { t0: data.t0, t1: this.clock.at, t2: this.clock.at };
    if (!event.startsWith("join-") && event !== "sync") return { seq: null };
    const fresh = data.after_seq === undefined;
    const place = { epoch: "e", head_seq: this.log.length + 1, floor_seq: 0, reset: fresh, events: fresh ? [] : this.log.filter(({ seq }) => seq > data.after_seq), more: false };
    return event === "join-room" ? { ...ROOM, own_reactions: [], ...place } : { ...PARTY, ...this.held, ...place };
  }

  /** Names of what was asked, without the clock's questions. */
  get names() {
    return this.asked.map(([event]) => event).filter((event) => event !== "clock");
  }
}

function stage(options = { id: 9 }) {
  const time = new Time();
  const server = new Server(time);
  const party = new Party(server, { user: { id: 2 }, ...options });
  const states = [];
  party.on("state", (state) => states.push([state, party.error?.code ?? null]));
  return { time, server, party, states };
}

const passing = (code = "UNAVAILABLE", retryAfterMs = null) => new MyPickError(code, "later", { retryable: true, retryAfterMs });

test("who leaves before the answer goes out again, and never counts as in", async () => {
  const kinds = { room: (server) => new Room(server, 1, { user: { id: 2 } }), party: (server) => new Party(server, { id: 9, user: { id: 2 } }) };
  for (const [kind, make] of Object.entries(kinds)) {
    const server = new Server(new Time());
    const place = make(server).open();
    await server.clock.pass(40);
    assert.deepEqual(server.names, [`join-${kind}`]); // and the answer is on its way
    place.close();
    await server.clock.pass(5_000);
    assert.deepEqual(server.names, [`join-${kind}`, `leave-${kind}`]);
    assert.equal(place.state, "joining");
  }
});

test("who leaves and comes back before the answer is in once, and stays", async () => {
  const { time, server, party } = stage();
  party.open();
  await time.pass(40);
  party.close();
  party.open();
  await time.pass(5_000);
  assert.deepEqual(server.names, ["join-party", "join-party"]);
  assert.equal(party.state, "live");
  party.close();
});

test("who was refused for good asks no more, whatever happens to the connection, until they open it again", async () => {
  const { time, server, party, states } = stage();
  server.answers = [new MyPickError("NOT_MEMBER", "members only")];
  party.open();
  await time.pass(500);
  server.become("reconnecting");
  server.become("online");
  await time.pass(60_000);
  assert.deepEqual(states, [["out", "NOT_MEMBER"]]);
  assert.deepEqual(server.names, ["join-party"]);
  party.open();
  await time.pass(500);
  assert.deepEqual(states.slice(1), [["joining", null], ["live", null]]);
  party.close();
});

test("who finds no place is told why, and comes in once there is one", async () => {
  const { time, server, party, states } = stage();
  server.answers = Array.from({ length: 8 }, () => passing("FULL"));
  party.open();
  await time.pass(90_000);
  assert.deepEqual(states, [["joining", "FULL"], ["live", null]]);
  assert.equal(server.names.length, 9);
  party.close();
});

test("a session that has ended puts out at once, also who opens only then", async () => {
  const { time, server, party, states } = stage();
  party.open();
  await time.pass(500);
  server.become("signed-out");
  assert.deepEqual(states, [["live", null], ["out", "UNAUTHENTICATED"]]);
  party.open();
  await time.pass(5_000);
  assert.deepEqual(states.at(-1), ["out", "UNAUTHENTICATED"]);
  assert.deepEqual(server.names, ["join-party"]);
});

test("an invite lets in once, and the party is found by it", async () => {
  const { time, server, party } = stage({ invite: "token" });
  party.open();
  await time.pass(500);
  assert.equal(party.id, 9);
  server.become("reconnecting");
  server.become("online");
  await time.pass(500);
  const joins = server.asked.filter(([event]) => event === "join-party").map(([, data]) => data);
  assert.deepEqual(joins, [{ invite: "token" }, { party_id: 9 }, { party_id: 9, epoch: "e", after_seq: 1 }]);
  assert.equal(party.state, "live");
  party.close();
});

test("an invite is used where the party is known too, and one that is spent keeps nobody out who was let in before", async () => {
  const { time, server, party } = stage({ id: 9, invite: "token" });
  server.answers = [new MyPickError("GONE", "spent")];
  party.open();
  await time.pass(500);
  assert.deepEqual(server.asked.filter(([event]) => event === "join-party").map(([, data]) => data), [{ invite: "token" }, { party_id: 9 }]);
  assert.equal(party.state, "live");
  party.close();
});

test("an invite is shown again after what can pass, later each time and never ten seconds late", async () => {
  const { time, server, party, states } = stage({ invite: "token" });
  server.answers = [...Array.from({ length: 9 }, () => passing()), passing("RATE_LIMITED", 14_000)];
  const at = [];
  const emit = server.emit.bind(server);
  server.emit = (event, data) => (event === "join-party" && at.push(time.at), emit(event, data));
  party.open();
  await time.pass(120_000);
  const waits = at.slice(1, 11).map((moment, number) => moment - at[number] - 60);
  assert.deepEqual(waits.slice(0, 9), [...waits.slice(0, 9)].sort((a, b) => a - b));
  assert.ok(Math.max(...waits.slice(0, 9)) <= 10_000, `${waits}`);
  assert.equal(waits[9], 14_000, "as the server asked");
  assert.equal(party.state, "live");
  assert.deepEqual([...new Set(states.map(([state]) => state))], ["joining", "live"]);
  party.close();
});

test("an invite that lets nobody in puts out with the reason", async () => {
  const { time, server, party, states } = stage({ invite: "token" });
  server.answers = [new MyPickError("GONE", "spent")];
  party.open();
  await time.pass(60_000);
  assert.deepEqual(states, [["out", "GONE"]]);
  assert.deepEqual(server.names, ["join-party"]);
});

test("who goes while an invite is shown goes out again, and shows it no more", async () => {
  const { time, server, party } = stage({ invite: "token" });
  party.open();
  await time.pass(40);
  party.close();
  await time.pass(60_000);
  assert.deepEqual(server.asked.filter(([event]) => event !== "clock"), [["join-party", { invite: "token" }], ["leave-party", { party_id: 9 }]]);

  const other = stage({ invite: "token" });
  other.server.answers = [passing(), passing()];
  other.party.open();
  await other.time.pass(100);
  other.party.close(); // between two tries
  await other.time.pass(60_000);
  assert.deepEqual(other.server.names, ["join-party"]);
});

const item = (id, more = {}) => ({ id, content: { id: id * 10, title: `video ${id}` }, added_by: HOST, added_at: "", votes: 0, place: id, ...more });
const change = (more) => ({ item: null, item_ids: [], votes: [], ...more });
const ids = (party) => party.queue.map(({ id }) => id);

test("the queue is that of the join and of the events, by votes and then by age", async () => {
  const { time, server, party } = stage();
  server.held = { queue: [item(1), item(2)], own_votes: [2] };
  let told = 0;
  party.on("queue", () => (told += 1));
  party.open();
  await time.pass(500);
  assert.deepEqual([ids(party), [...party.ownVotes], told], [[1, 2], [2], 1]);
  server.say("queue-changed", change({ action: "added", item: item(3) }));
  server.say("queue-changed", change({ action: "voted", votes: [{ item_id: 3, votes: 2 }, { item_id: 2, votes: 1 }] }));
  assert.deepEqual([ids(party), told], [[3, 2, 1], 3]);
  server.become("reconnecting");
  server.append("queue-changed", change({ action: "played", item_ids: [3] }));
  server.held = { queue: [item(2, { votes: 1 }), item(1)], own_votes: [2] }; // of now, and the event comes after it
  server.become("online");
  await time.pass(500);
  assert.deepEqual(ids(party), [2, 1]);
  party.close();
});

test("one's own vote is seen at once, and taken back where it is refused", async () => {
  const { time, server, party } = stage();
  server.held = { queue: [item(1), item(2)] };
  party.open();
  await time.pass(500);
  const voted = party.vote(2, true);
  assert.deepEqual([ids(party), party.queue[0].votes, [...party.ownVotes]], [[2, 1], 1, [2]]);
  await time.pass(100);
  await voted;
  const usual = server.emit.bind(server);
  server.emit = (event, data) => (event === "queue-vote" ? Promise.reject(new MyPickError("GONE", "over")) : usual(event, data));
  await assert.rejects(party.vote(2, false), { code: "GONE" });
  assert.deepEqual([ids(party), [...party.ownVotes]], [[2, 1], [2]]);
  party.close();
});

const said = (id, text) => ({ message_id: id, text, content_id: 5, position_ms: 1_000, deleted: false });
const texts = (party) => party.messages.map(({ text, deleted }) => (deleted ? null : text));

test("what was said is held once, through cuts, and without what was taken back", async () => {
  const { time, server, party } = stage();
  server.held = { messages: [{ id: 7, at: "", actor: HOST, data: said(7, "before") }] };
  const heard = [];
  let begun = 0;
  party.on("messages", () => (begun += 1));
  party.on("event", ({ data }) => heard.push(data.message_id));
  party.open();
  await time.pass(500);
  server.say("message-created", said(7, "before")); // in the answer already
  server.say("message-created", said(8, "now"), null);
  server.become("reconnecting");
  server.append("message-created", said(9, "meanwhile"));
  server.append("message-deleted", { message_id: 7, by_moderator: true });
  server.become("online");
  await time.pass(500);
  assert.deepEqual(texts(party), [null, "now", "meanwhile"]);
  assert.deepEqual([heard, begun, party.messages[1].author], [[8, 9, 7], 1, null]);
  party.close();
});
