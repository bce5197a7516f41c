// The promise of a stream: every event once, in order, whatever the network does.
import assert from "node:assert/strict";
import test from "node:test";
import { MyPickError, Stream } from "../../handlers/static/mypick.js";

/** Random numbers from a seed (mulberry32), so that a failing run can be run again. */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Time that passes only as fast as the event loop turns. */
const instant = {
  now: () => 0,
  monotonic: () => 0,
  setTimeout: (run) => setImmediate(run),
  clearTimeout: (timer) => clearImmediate(timer),
};

/** The server's side: a log with an epoch and a floor. */
class Log {
  epoch = "e1";
  events = [];
  floor = 0;

  get head() {
    return this.events.length;
  }

  append() {
    const seq = this.head + 1;
    const event = { type: "t", stream: "s", epoch: this.epoch, seq, data: `${this.epoch}:${seq}` };
    this.events.push(event);
    return event;
  }

  restart(length) {
    this.epoch = "e" + (Number(this.epoch.slice(1)) + 1);
    this.events = [];
    this.floor = 0;
    for (let i = 0; i < length; i += 1) this.append();
  }

  sync({ epoch, after_seq: after, limit }) {
    const reset = (epoch !== undefined && epoch !== this.epoch) || after < this.floor || after > this.head;
    const events = reset ? [] : this.events.slice(after, after + limit);
    return {
      stream: "s",
      epoch: this.epoch,
      head_seq: this.head,
      floor_seq: this.floor,
      reset,
      events,
      more: !reset && after + events.length < this.head,
      snapshot: reset ? this.events.map((event) => event.data) : undefined,
    };
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function settled(stream, log) {
  for (let turns = 0; turns < 5_000; turns += 1) {
    if (!stream.behind && stream.epoch === log.epoch && stream.seq === log.head) return;
    await turn();
  }
  assert.fail(`stuck at ${stream.epoch}:${stream.seq}, the log is at ${log.epoch}:${log.head}`);
}

async function drive(seed) {
  const random = seeded(seed);
  const log = new Log();
  let view = [];
  let floorOfView = 0;
  const under = [];
  const stream = new Stream("s", {
    clock: instant,
    random,
    limit: 1 + Math.floor(random() * 20),
    maxHeld: 1 + Math.floor(random() * 10),
    onEvent: (event) => view.push(event.data),
    onReset: (reply) => {
      view = [...reply.snapshot];
      floorOfView += 1;
    },
    sync: async (asked) => {
      for (let delay = Math.floor(random() * 4); delay > 0; delay -= 1) await turn();
      if (random() < 0.2) throw new MyPickError("TIMEOUT", "lost", { retryable: true });
      const reply = log.sync(asked);
      for (let delay = Math.floor(random() * 4); delay > 0; delay -= 1) await turn();
      return reply;
    },
  });
  stream.resume();
  for (let step = 0; step < 150; step += 1) {
    const dice = random();
    if (dice < 0.6) {
      const event = log.append();
      if (random() < 0.7) under.push(event); // else: dropped
      if (random() < 0.2) under.push(event); // doubled
    } else if (dice < 0.62) {
      log.restart(Math.floor(random() * 30));
    } else if (dice < 0.66) {
      log.floor = Math.floor(random() * (log.head + 1));
    } else if (dice < 0.72) {
      stream.pause();
    } else if (dice < 0.8) {
      stream.resume();
    }
    while (under.length && random() < 0.5) {
      stream.receive(under.splice(Math.floor(random() * under.length), 1)[0]); // out of order
    }
    if (random() < 0.3) await turn();
  }
  stream.resume();
  await settled(stream, log);
  for (const event of under) stream.receive(event); // what still travelled changes nothing
  await settled(stream, log);
  assert.deepEqual(view, log.events.map((event) => event.data), `seed ${seed}`);
  stream.close();
  return floorOfView;
}

test("after any loss, doubling and reordering the view equals the log", async () => {
  let resets = 0;
  for (let seed = 1; seed <= 200; seed += 1) resets += await drive(seed);
  assert.ok(resets > 50, "the runs must have met resets, else they prove little");
});

const event = (seq, epoch = "e1") => ({ type: "t", stream: "s", epoch, seq, data: seq });

test("an event that comes too early waits for the gap to close", async () => {
  const seen = [];
  const asked = [];
  const stream = new Stream("s", {
    clock: instant,
    position: { epoch: "e1", seq: 4 },
    onEvent: ({ seq }) => seen.push(seq),
    sync: async (question) => {
      asked.push(question);
      return { epoch: "e1", head_seq: 6, reset: false, more: false, events: [event(5), event(6)] };
    },
  });
  stream.resume();
  await turn();
  assert.deepEqual(asked, [{ stream: "s", epoch: "e1", after_seq: 4, limit: 200 }]);
  stream.receive(event(8));
  assert.deepEqual(seen, [5, 6]);
  stream.receive(event(7));
  assert.deepEqual(seen, [5, 6, 7, 8]);
});

test("a failure that cannot pass is told once and the stream stays usable", async () => {
  const errors = [];
  const seen = [];
  const stream = new Stream("s", {
    clock: instant,
    position: { epoch: "e1", seq: 0 },
    onEvent: ({ seq }) => seen.push(seq),
    onError: (error) => errors.push(error.code),
    sync: async () => {
      throw new MyPickError("FORBIDDEN", "not yours");
    },
  });
  stream.resume();
  await turn();
  await turn();
  assert.deepEqual(errors, ["FORBIDDEN"]);
  stream.receive(event(1));
  assert.deepEqual(seen, [1]);
});

test("a stream that waits for its snapshot asks for nothing before it", async () => {
  const asked = [];
  const seen = [];
  const stream = new Stream("s", {
    clock: instant,
    waitForSnapshot: true,
    onEvent: ({ seq }) => seen.push(seq),
    sync: async (question) => {
      asked.push(question);
      return { epoch: "e1", head_seq: 9, reset: false, more: false, events: [event(8), event(9)] };
    },
  });
  stream.resume();
  stream.receive(event(8));
  await turn();
  assert.deepEqual(asked, []);
  stream.begin({ epoch: "e1", seq: 7 });
  assert.deepEqual(seen, [8]);
});
