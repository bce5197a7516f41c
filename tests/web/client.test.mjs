// The client against a real server of the official Socket.IO, through its public door.
import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, test } from "node:test";
import { io } from "socket.io-client";
import { MyPick } from "../../handlers/static/mypick.js";
import { Peer } from "./peer.mjs";

let peer;
let open = [];

beforeEach(async () => {
  peer = await new Peer().start();
});
afterEach(async () => {
  for (const client of open) client.close();
  open = [];
  await peer.stop();
});

const quick = { reconnectionDelay: 20, reconnectionDelayMax: 40 };

/** A storage that several clients share, as tabs share `localStorage`. */
class Shared {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => this.items.set(key, value);
  removeItem = (key) => this.items.delete(key);
}

function make(options = {}) {
  const client = new MyPick({ url: peer.url, io, socketOptions: quick, random: () => 0, ...options });
  open.push(client);
  return client;
}

async function signedIn(options) {
  const client = make(options);
  await client.logIn("fan@example.com", "right");
  return client;
}

/** Waits for `state` of a namespace; fails after 5 s. */
function reached(namespace, state) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`never ${state}, but ${namespace.state}`)), 5_000);
    const stop = namespace.onState((now) => {
      if (now !== state) return;
      clearTimeout(timer);
      queueMicrotask(() => stop?.());
      resolve();
    });
  });
}

async function online(client) {
  const namespace = client.namespace("/notifications").connect();
  await reached(namespace, "online");
  return namespace;
}

/** Collects the titles of a stream; `until(n)` waits for n of them. */
function collect(namespace, options = {}) {
  const titles = [];
  const waiters = [];
  const stream = namespace.stream("inbox:1", {
    onEvent: ({ data }) => {
      titles.push(data.title);
      for (const { count, resolve } of waiters) if (titles.length >= count) resolve();
    },
    ...options,
  });
  const until = (count) =>
    titles.length >= count ? Promise.resolve() : new Promise((resolve) => waiters.push({ count, resolve }));
  return { titles, until, stream };
}

const titlesOf = (log) => log.map(({ data }) => data.title);

test("a wrong password is told with its code and signs nobody in", async () => {
  const client = make();
  await assert.rejects(client.logIn("fan@example.com", "wrong"), { code: "UNAUTHENTICATED", status: 401 });
  assert.equal(client.user, null);
});

test("a stored session is there for the next client", async () => {
  const storage = new Shared();
  await signedIn({ storage });
  assert.equal(make({ storage }).user.email, "fan@example.com");
});

test("a refused token is refreshed once for many requests at the same time", async () => {
  const client = await signedIn();
  peer.forget();
  const answers = await Promise.all([1, 2, 3, 4].map((n) => client.request("GET", `/feed/${n}`)));
  assert.deepEqual(answers.map(({ data }) => data.path), ["/feed/1", "/feed/2", "/feed/3", "/feed/4"]);
  assert.equal(peer.refreshes, 1);
});

for (const locks of ["navigator.locks", "a lease in the storage"]) {
  test(`two tabs never show the same refresh token, kept apart by ${locks}`, async () => {
    const storage = new Shared();
    let line = Promise.resolve();
    const queue = { request: (_, run) => (line = line.then(run, run)) };
    const options = { storage, locks: locks === "navigator.locks" ? queue : undefined, random: Math.random };
    const tabs = [await signedIn(options), make(options), make(options)];
    peer.forget();
    await Promise.all(tabs.map((tab) => tab.request("GET", "/feed")));
    assert.deepEqual([peer.refreshes, peer.reused], [1, 0]);
  });
}

test("a session that the server ended is told and forgotten", async () => {
  const storage = new Shared();
  const client = await signedIn({ storage });
  const stored = JSON.parse(storage.getItem("mypick.session"));
  const told = [];
  client.on("session", (reason) => told.push(reason));
  peer.forget();
  await fetch(`${peer.url}/api/v1/auth/refresh`, { method: "POST", body: JSON.stringify(stored) }); // a thief
  await assert.rejects(client.request("GET", "/feed"), { code: "UNAUTHENTICATED" });
  assert.deepEqual(told, ["ended"]);
  assert.equal(storage.getItem("mypick.session"), null);
});

test("an unsafe request is repeated with the same idempotency key", async () => {
  const client = await signedIn();
  peer.fail = [[503, "UNAVAILABLE"], [429, "RATE_LIMITED", { "Retry-After": "0" }]];
  await client.request("POST", "/creators/1/subscribe");
  assert.equal(peer.calls.length, 3);
  assert.equal(new Set(peer.calls.map(({ key }) => key)).size, 1);
  assert.match(peer.calls[0].key, /^[0-9a-f]{32}$/);
});

test("a long wait that the server asks for is left to the caller", async () => {
  const client = await signedIn();
  peer.fail = [[429, "RATE_LIMITED", { "Retry-After": "120" }]];
  await assert.rejects(client.request("GET", "/feed"), { code: "RATE_LIMITED", retryable: true, retryAfterMs: 120_000 });
});

test("a server that is away is told as OFFLINE", async () => {
  const client = make({ url: "http://127.0.0.1:9" });
  await assert.rejects(client.logIn("a", "b"), { code: "OFFLINE", retryable: true });
});

test("a stream resumes after a cut without loss or doubling", async () => {
  const namespace = await online(await signedIn());
  const { titles, until } = collect(namespace);
  for (let n = 1; n <= 3; n += 1) peer.append(`n${n}`);
  await until(3);
  const away = reached(namespace, "reconnecting");
  for (const socket of peer.sockets) socket.conn.close();
  await away;
  for (let n = 4; n <= 250; n += 1) peer.append(`n${n}`, { tell: false }); // two pages of sync
  await until(250);
  assert.deepEqual(titles, titlesOf(peer.log));
});

test("a gap in live events is closed by sync", async () => {
  const namespace = await online(await signedIn());
  const { titles, until } = collect(namespace);
  peer.append("first");
  await until(1);
  peer.append("dropped", { tell: false });
  peer.append("third");
  await until(3);
  assert.deepEqual(titles, ["first", "dropped", "third"]);
});

test("a stream that lags is told and catches up", async () => {
  const namespace = await online(await signedIn());
  const { until } = collect(namespace);
  peer.append("first");
  await until(1);
  peer.append("dropped", { tell: false });
  peer.room.emit("lagged", { stream: "inbox:1", head_seq: 2 });
  await until(2);
});

test("a position of another epoch is answered by a reset", async () => {
  peer.append("old");
  const namespace = await online(await signedIn());
  const reset = new Promise((onReset) => collect(namespace, { position: { epoch: "e0", seq: 9 }, onReset }));
  assert.equal((await reset).head_seq, 1);
});

for (const cutInstead of [false, true]) {
  test(`a message whose reply is lost ${cutInstead ? "by a cut" : "in time"} is done once`, async () => {
    const namespace = await online(await signedIn());
    peer.loseReplies = 2;
    peer.cutInstead = cutInstead;
    const reply = await namespace.emit("send-message", { room_id: 1, text: "hi" }, { timeout: 100 });
    assert.deepEqual(reply, { seq: 1 });
    assert.equal(peer.done.size, 1);
  });
}

test("what is sent without a connection is sent in its order once there is one", async () => {
  const namespace = (await signedIn()).namespace("/notifications").connect();
  const sent = ["a", "b", "c"].map((text) => namespace.emit("send-message", { text }));
  assert.deepEqual((await Promise.all(sent)).map(({ seq }) => seq), [1, 2, 3]);
});

test("a command that may not be repeated is sent once", async () => {
  const namespace = await online(await signedIn());
  await assert.rejects(namespace.emit("typing-once", {}, { timeout: 50 }), { code: "TIMEOUT", retryable: false });
  assert.equal(peer.typed, 1);
});

test("a failure that can pass is tried again after the wait, one that cannot is told at once", async () => {
  const namespace = await online(await signedIn());
  assert.deepEqual(await namespace.emit("busy"), { tries: 3 });
  await assert.rejects(namespace.emit("forbidden"), { code: "FORBIDDEN", retryable: false });
});

test("more than a hundred waiting commands are refused", async () => {
  const namespace = make({ url: "http://127.0.0.1:9" }).namespace("/notifications").connect();
  const waiting = Array.from({ length: 100 }, () => namespace.emit("send-message", {}).catch(({ code }) => code));
  await assert.rejects(namespace.emit("send-message", {}), { code: "QUEUE_FULL" });
  namespace.close();
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["CLOSED"]));
});

test("a socket whose token is refused comes back with a fresh one", async () => {
  const client = await signedIn();
  peer.forget();
  await online(client);
  assert.equal(peer.refreshes, 1);
});

test("a socket whose token ends soon is given a fresh one", async () => {
  const client = await signedIn();
  await online(client);
  const [socket] = peer.sockets;
  const given = once(socket, "refresh-auth");
  peer.room.emit("auth-expiring", { expires_in: 60 });
  const [{ token }] = await given;
  assert.equal(token, await client.session.token());
  assert.equal(peer.refreshes, 1);
});

test("a socket comes back after the server has drained", async () => {
  const namespace = await online(await signedIn());
  const [before] = [...peer.sockets].map(({ conn }) => conn.id);
  const draining = reached(namespace, "draining");
  peer.room.emit("server-draining", { reconnect_after_ms: 60 });
  await draining;
  await reached(namespace, "online");
  const [after] = [...peer.sockets].map(({ conn }) => conn.id);
  assert.notEqual(after, before);
});

test("the server's clock is found", async () => {
  const namespace = await online(await signedIn());
  const { offset, rtt } = await namespace.syncClock();
  assert.ok(Math.abs(offset - 5_000) <= rtt / 2 + 1, `offset ${offset}, rtt ${rtt}`);
});

test("a stream that the server evicts says so, and another one goes on where it stood", async () => {
  const namespace = await online(await signedIn());
  const first = collect(namespace);
  peer.append("before");
  await first.until(1);
  peer.room.emit("evicted", { stream: "inbox:1", code: "FORBIDDEN" });
  peer.append("between");
  await namespace.emit("clock", { t0: 0 }); // a reply comes after what was sent before it
  assert.deepEqual([first.stream.closed, first.titles], [true, ["before"]]);
  const second = collect(namespace, { position: first.stream.position });
  await second.until(1);
  peer.append("after");
  await second.until(2);
  assert.deepEqual([second.stream.closed, second.titles], [false, ["between", "after"]]);
});
