// A party in a client: in step with the server's timeline, through cuts, sleeps and other people's commands.
import assert from "node:assert/strict";
import test from "node:test";
import { MyPickError, Party, Stream } from "../../handlers/static/mypick.js";
import { Html5Player } from "../../handlers/static/mypick/party/html5.js";
import { Time, turn } from "./time.mjs";

/** The server's end of one namespace: its own clock, a stream, and what it was asked. */
class Server {
  offset = 987_654_321; // of its clock to the client's
  delay = 30; // each way
  state = "online";
  asked = [];
  answers = {};
  socket = { id: "one" };
  random = () => 0.5;
  queue = [];
  #states = new Set();
  #listeners = new Map();
  constructor(time) {
    this.clock = time;
    this.log = [this.entry(1, { status: "idle", anchor_position_ms: 0 })];
  }

  get now() {
    return this.clock.at + this.offset;
  }

  entry(seq, data) {
    const moment = this.now;
    const whole = { content_id: 5, anchor_at_ms: moment, effective_at_ms: moment, rate: 1, reason: "play", ...data };
    return { type: "timeline", stream: "party:9", epoch: "e", seq, id: seq, at: "", data: whole };
  }

  announce(data) {
    const event = this.entry(this.log.length + 1, data);
    this.log.push(event);
    if (this.state === "online") this.clock.setTimeout(() => this.#stream?.receive(event), this.delay);
    return event;
  }

  #stream = null;

  stream(key, options) {
    this.#stream = new Stream(key, { clock: this.clock, random: () => 0, ...options });
    if (this.state === "online") this.#stream.resume();
    return this.#stream;
  }

  forget() {
    this.#stream?.close();
  }

  onState(listener) {
    listener(this.state);
    this.#states.add(listener);
    return () => this.#states.delete(listener);
  }

  on(event, listener) {
    this.#listeners.set(event, listener);
    return () => this.#listeners.delete(event);
  }

  tell(event, data) {
    this.#listeners.get(event)?.(data);
  }

  cut() {
    this.state = "reconnecting";
    this.#stream.pause();
    for (const listener of this.#states) listener(this.state);
  }

  restore() {
    this.state = "online";
    this.socket = { id: `${this.socket.id}+` };
    for (const listener of this.#states) listener(this.state);
    this.#stream.resume();
  }

  async emit(event, data) {
    const way = () => new Promise((resolve) => this.clock.setTimeout(resolve, this.delay));
    await way();
    this.asked.push([event, data]);
    const reply = this.reply(event, data);
    await way();
    if (reply instanceof Error) throw reply;
    return reply;
  }

  reply(event, data) {
    if (this.answers[event]) return this.answers[event](data);
    if (event === "clock") return { t0: data.t0, t1: this.now, t2: this.now };
    if (event === "join-party") {
      const last = this.log.at(-1);
      const fresh = data.after_seq === undefined;
      return {
        party: { id: 9, title: "A film", host: { id: 1, name: "h", avatar_url: null } },
        timeline: { ...last.data, epoch: "e", seq: last.seq },
        members: [{ user: { id: 1, name: "h", avatar_url: null }, role: "host", since_ms: 0 }],
        queue: [...this.queue],
        own_votes: [],
        messages: [],
        role: "guest",
        online: 1,
        stream: "party:9",
        epoch: "e",
        head_seq: last.seq,
        floor_seq: 0,
        reset: false,
        events: fresh ? [] : this.log.slice(data.after_seq),
        more: false,
      };
    }
    if (event === "sync") return { epoch: "e", head_seq: this.log.length, reset: false, events: this.log.slice(data.after_seq), more: false };
    if (event === "control") return { seq: this.announce({ status: "playing" }).seq };
    return {};
  }

  count = (event) => this.asked.filter(([name]) => name === event).length;
  last = (event) => this.asked.filter(([name]) => name === event).at(-1)?.[1];
}

/** A player that starts 80 ms late, seeks in 200 and runs a little fast. */
class Player {
  rates = "fine";
  rate = 1;
  state = "paused";
  #position = 0;
  #since = 0;
  #listener = () => {};
  told = [];
  constructor(time) {
    this.time = time;
  }

  get position() {
    return this.#position + (this.state === "playing" ? (this.time.at - this.#since) * this.rate * 1.0001 : 0);
  }

  onChange(listener) {
    this.#listener = listener;
    return () => (this.#listener = () => {});
  }

  read = () => ({ state: this.state, position_ms: this.position });

  become(state, position = this.position) {
    this.#position = position;
    this.#since = this.time.at;
    this.state = state;
    this.#listener();
  }

  play() {
    this.told.push("play");
    this.time.setTimeout(() => this.become("playing"), 80);
  }

  pause() {
    this.told.push("pause");
    this.become("paused");
  }

  seek(ms) {
    this.told.push("seek");
    const then = this.state === "playing" ? "playing" : "paused";
    this.#position = ms;
    this.state = "seeking";
    this.time.setTimeout(() => this.become(then, ms), 200);
  }

  setRate(rate) {
    this.become(this.state);
    this.rate = rate;
  }
}

async function stage() {
  const time = new Time();
  const server = new Server(time);
  const party = new Party(server, { id: 9, user: { id: 2 } });
  const player = new Player(time);
  party.attach(player, 5);
  party.open();
  await time.pass(1_500);
  const off = () => {
    const { data } = server.log.filter((event) => event.data.effective_at_ms <= server.now).at(-1);
    const moved = data.status === "playing" ? data.rate * Math.max(0, server.now - data.anchor_at_ms) : 0;
    return Math.abs(player.position - data.anchor_position_ms - moved);
  };
  return { time, server, party, player, off };
}

const playAt = (server, lead = 400, position = 0) =>
  server.announce({ status: "playing", anchor_position_ms: position, anchor_at_ms: server.now + lead, effective_at_ms: server.now + lead });

test("the player starts with the timeline and stays on it", async () => {
  const { time, server, party, off } = await stage();
  assert.equal(party.state, "live");
  playAt(server);
  await time.pass(6_000);
  assert.ok(off() < 16, `${off()} ms off`);
  assert.ok(Math.abs(party.now.at_ms - server.now) < 1);
  assert.equal(party.step.mode, "following");
  party.close();
});

test("who joins late is sent ahead and waits for the timeline", async () => {
  const { time, server, party, player, off } = await stage();
  party.close();
  playAt(server, 0, 600_000);
  const late = new Party(server, { id: 9, user: { id: 2 } });
  late.attach(player, 5);
  late.open();
  await time.pass(3_000);
  assert.ok(off() < 100, `${off()} ms off`);
  assert.deepEqual(player.told, ["seek", "play"]);
  late.close();
});

test("a party that waits is told once that the player is ready, where it will start", async () => {
  const { time, server, party, player } = await stage();
  server.announce({ status: "waiting", anchor_position_ms: 4_000 });
  await time.pass(2_000);
  assert.equal(player.position, 4_000);
  assert.deepEqual(server.last("ready"), { party_id: 9, seq: 2, state: "ready" });
  assert.equal(server.count("ready"), 1);
  party.close();
});

test("a cut changes nothing for the player, and what was missed is made good", async () => {
  const { time, server, party, player, off } = await stage();
  playAt(server);
  await time.pass(3_000);
  server.cut();
  assert.equal(party.state, "away");
  server.announce({ status: "playing", anchor_position_ms: 90_000 });
  await time.pass(4_000);
  assert.equal(player.state, "playing"); // it goes on with what it knows
  server.restore();
  await time.pass(3_000);
  assert.equal(party.state, "live");
  assert.ok(off() < 100, `${off()} ms off`);
  party.close();
});

test("a sleep of the machine flushes the clock, and no correction is made by the old one", async () => {
  const { time, server, party, off } = await stage();
  playAt(server);
  await time.pass(4_000);
  const before = server.count("clock");
  server.offset += 60_000; // the steady clock stood still, the world did not
  time.skew += 60_000;
  await time.pass(5_000);
  assert.ok(server.count("clock") - before >= 8, "it asks in a burst");
  assert.ok(off() < 100, `${off()} ms off`);
  party.close();
});

test("one report in ten seconds, with the sign of the wire and no speed in it", async () => {
  const { time, server, party, player } = await stage();
  playAt(server);
  await time.pass(7_500);
  player.become("playing", player.position - 200); // behind
  await time.pass(1_500);
  const report = server.last("report");
  assert.equal(server.count("report"), 1);
  assert.deepEqual(Object.keys(report).sort(), ["at_ms", "error_ms", "party_id", "position_ms", "rtt_ms", "seq"]);
  assert.ok(Math.abs(report.rtt_ms - 60) < 1);
  assert.ok(report.error_ms < -100, `${report.error_ms}`);
  party.close();
});

const conflict = (timeline) => new MyPickError("CONFLICT", "moved on", { details: { timeline } });

test("a command is meant for what its giver saw: somebody else's seek is shown first", async () => {
  const { time, server, party } = await stage();
  const current = { ...server.entry(7, { status: "playing", anchor_position_ms: 9_000, reason: "seek" }).data, epoch: "e", seq: 7 };
  server.answers.control = () => conflict(current);
  const result = party.seek(1_000).catch((error) => error);
  await time.pass(500);
  assert.equal((await result).code, "CONFLICT");
  assert.equal(party.latest.seq, 7);
  assert.equal(server.count("control"), 1);
  party.close();
});

test("a command goes through where only the start gate has moved the timeline", async () => {
  const { time, server, party } = await stage();
  const current = { ...server.entry(3, { status: "playing", reason: "ready" }).data, epoch: "e", seq: 3 };
  server.answers.control = ({ base_seq: base }) => (base < 3 ? conflict(current) : { seq: 4 });
  const result = party.seek(1_000);
  await time.pass(500);
  assert.deepEqual(await result, { seq: 4 });
  assert.deepEqual(server.asked.filter(([name]) => name === "control").map(([, { base_seq: base }]) => base), [1, 3]);
  party.close();
});

test("who asks to pause what is paused has what they wanted", async () => {
  const { time, server, party } = await stage();
  const current = { ...server.entry(3, { status: "paused", reason: "pause" }).data, epoch: "e", seq: 3 };
  server.answers.control = () => conflict(current);
  const result = party.pause();
  await time.pass(500);
  assert.deepEqual(await result, { seq: 3 });
  party.close();
});

test("commands wait for each other, and the next builds on what the last has made", async () => {
  const { time, server, party } = await stage();
  let seq = 10;
  server.answers.control = () => ({ seq: (seq += 1) });
  const done = Promise.all([party.seek(1_000), party.seek(2_000), party.seek(3_000)]);
  await time.pass(1_000);
  await done;
  assert.deepEqual(server.asked.filter(([name]) => name === "control").map(([, { base_seq: base }]) => base), [1, 11, 12]);
  party.close();
});

test("catch me up jumps to the party however small the error", async () => {
  const { time, server, party, player, off } = await stage();
  playAt(server);
  await time.pass(3_000);
  player.become("playing", player.position - 600);
  player.told = [];
  party.catchUp();
  await time.pass(1_000);
  assert.deepEqual(player.told, ["seek"]);
  assert.ok(off() < 60, `${off()} ms off`);
  party.close();
});

test("hosts and members are those of the events", async () => {
  const { time, server, party } = await stage();
  const tell = (type, data, actor) => {
    server.log.push({ type, stream: "party:9", epoch: "e", seq: server.log.length + 1, id: 1, at: "", actor, data });
  };
  tell("member-joined", { role: "guest", since_ms: 5 }, { id: 2, name: "me", avatar_url: null });
  tell("host-changed", { host_id: 2, former_host_id: 1, reason: "vanished", reclaim_until_ms: 1 });
  tell("member-left", { user_id: 1, reason: "gone" });
  server.cut();
  server.restore();
  await time.pass(500);
  assert.equal(party.role, "host");
  assert.deepEqual([...party.members.keys()], [2]);
  assert.equal(party.party.host.name, "me");
  party.close();
});

test("who is put out keeps the reason and is told no more what to play", async () => {
  const { time, server, party, player } = await stage();
  playAt(server);
  await time.pass(2_000);
  server.tell("evicted", { stream: "party:9", code: "BANNED", reason: "enough" });
  player.told = [];
  await time.pass(5_000);
  assert.deepEqual([party.state, party.error.code, party.error.message], ["out", "BANNED", "enough"]);
  assert.deepEqual(player.told, []);
});

/** A `<video>` as far as the adapter looks at it. */
class Video extends EventTarget {
  paused = true;
  ended = false;
  seeking = false;
  readyState = 4;
  error = null;
  currentTime = 0;
  playbackRate = 1;
  refuse = null;
  buffered = { length: 1, start: () => 0, end: () => 12 };
  play() {
    this.paused = false;
    return this.refuse ? Promise.reject(this.refuse) : Promise.resolve();
  }
  pause() {
    this.paused = true;
    this.fire("pause");
  }
  fire(name) {
    this.dispatchEvent(new Event(name));
  }
}

test("a video element is playing once pictures move, and seeks until they move again", async () => {
  const video = new Video();
  const player = new Html5Player(video, new Time());
  const states = [];
  const see = () => states.push(player.read().state);
  see();
  player.play();
  see(); // told, and nothing moves yet
  video.fire("playing");
  see();
  video.fire("waiting");
  see();
  video.fire("playing");
  player.seek(5_000);
  video.seeking = true;
  video.fire("seeking");
  see();
  video.seeking = false;
  video.fire("seeked");
  see(); // the frame is there, but it stands
  video.fire("playing");
  see();
  player.pause();
  see();
  assert.deepEqual(states, ["paused", "paused", "playing", "stalled", "seeking", "seeking", "playing", "paused"]);
  assert.equal(player.bufferedMs(), 7_000);
});

test("a browser that lets nothing play is told of, until it does", async () => {
  const video = new Video();
  const player = new Html5Player(video, new Time());
  let changes = 0;
  player.onChange(() => (changes += 1));
  video.refuse = Object.assign(new Error("no"), { name: "NotAllowedError" });
  player.play();
  await turn();
  assert.equal(player.read().state, "blocked");
  assert.equal(changes, 1);
  video.refuse = null;
  player.play();
  await turn();
  video.fire("playing");
  assert.equal(player.read().state, "playing");
});
