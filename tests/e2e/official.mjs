// The official socket.io-client, as anybody would use it, against a whole MyPick.
import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { until } from "./stage.mjs";

/** One socket in `/notifications`; remembers what it is sent. */
function open(stage, person, options = {}) {
  const socket = io(`${stage.url}/notifications`, {
    auth: (give) => give({ token: person.token }),
    reconnectionDelay: 100,
    reconnectionDelayMax: 500,
    forceNew: true,
    ...options,
  });
  stage.atEnd(() => socket.close());
  const device = { socket, unread: [], live: [], read: [], refused: [] };
  socket.on("unread-notifications", (snapshot) => device.unread.push(snapshot));
  socket.on("new-notification", (event) => device.live.push(event));
  socket.on("notifications-read", (told) => device.read.push(told));
  socket.on("connect_error", (error) => device.refused.push(error));
  device.ask = (event, data) => socket.timeout(15_000).emitWithAck(event, data);
  device.greeted = (times = 1) => until(() => device.unread.length >= times, () => `no snapshot: ${device.refused}`);
  return device;
}

const titles = (events) => events.map(({ data }) => data.body);

async function hears(stage, transports, ends) {
  const channel = await stage.channel("morning", "Morning Notes");
  const alice = await stage.person("alice");
  await alice.logIn();
  await alice.follow(channel);
  const phone = open(stage, alice, { transports });
  await phone.greeted();
  assert.deepEqual(
    { ...phone.unread[0], epoch: "" },
    { stream: `inbox:${alice.user.id}`, epoch: "", head_seq: 0, unread_count: 0, items: [] },
  );
  const engine = phone.socket.io.engine;
  await until(() => engine.transport.name === ends, () => `the transport is ${engine.transport.name}`);
  for (const title of ["one", "둘", "three 🎬"]) await stage.publish(channel, title);
  await until(() => phone.live.length === 3);
  assert.deepEqual(titles(phone.live).sort(), ["one", "three 🎬", "둘"]);
  assert.deepEqual(phone.live.map(({ seq }) => seq), [1, 2, 3]);
  assert.equal(engine.transport.name, ends);
  assert.equal(phone.socket.io.engine, engine, "it had to connect again");
}

export async function hears_over_polling_alone(stage) {
  await hears(stage, ["polling"], "polling");
}

export async function hears_over_websocket_alone(stage) {
  await hears(stage, ["websocket"], "websocket");
}

export async function hears_after_the_upgrade_from_polling(stage) {
  await hears(stage, ["polling", "websocket"], "websocket");
}

export async function what_one_device_reads_is_read_on_the_other(stage) {
  const channel = await stage.channel("pans", "Two Pans");
  const alice = await stage.person("alice");
  await alice.follow(channel);
  const [phone, laptop] = [open(stage, alice), open(stage, alice, { transports: ["polling"] })];
  await Promise.all([phone.greeted(), laptop.greeted()]);
  await stage.publish(channel, "one");
  await stage.publish(channel, "two");
  await until(() => phone.live.length === 2 && laptop.live.length === 2);

  assert.deepEqual(await phone.ask("mark-read", { ids: [phone.live[0].id] }), { ok: true, data: { unread_count: 1 } });
  await until(() => laptop.read.length);
  assert.deepEqual(laptop.read[0], { ids: [phone.live[0].id], unread_count: 1 });
  assert.deepEqual(await laptop.ask("mark-read", { upto_seq: 2 }), { ok: true, data: { unread_count: 0 } });
  await until(() => phone.read.length);
  assert.deepEqual(phone.read, [{ upto_seq: 2, unread_count: 0 }], "who marks is not told of it besides the ack");

  const wrong = await phone.ask("mark-read", { upto_seq: "all" });
  assert.equal(wrong.ok, false);
  assert.equal(wrong.error.code, "INVALID");
  assert.equal(wrong.error.retryable, false);
}

export async function a_refused_token_is_told_with_its_code(stage) {
  for (const token of ["not a token", "", null, 7, undefined]) {
    const device = open(stage, { token });
    await until(() => device.refused.length);
    const { data } = device.refused[0];
    assert.equal(data.code, "UNAUTHENTICATED");
    assert.match(data.message, /\w+ \w+/);
    assert.equal(device.socket.connected, false);
    assert.equal(device.socket.active, false, "it would try again for ever");
  }
}

export async function a_killed_server_costs_nothing(stage) {
  const channel = await stage.channel("late", "Late Show");
  const alice = await stage.person("alice");
  await alice.follow(channel);
  const phone = open(stage, alice);
  await phone.greeted();
  await stage.publish(channel, "before");
  await until(() => phone.live.length === 1);
  await stage.crash(async () => {
    await until(() => !phone.socket.connected);
    await stage.publish(channel, "meanwhile 1");
    await stage.publish(channel, "meanwhile 2");
  });
  await phone.greeted(2);
  await stage.publish(channel, "after");

  // What a client does that knows its last seq: the snapshot names the stream, sync brings the rest.
  const { stream, epoch } = phone.unread.at(-1);
  const log = new Map([[1, "before"]]);
  await until(() => phone.live.some(({ data }) => data.body === "after"));
  const { ok, data } = await phone.ask("sync", { stream, epoch, after_seq: 1 });
  assert.ok(ok && !data.reset);
  for (const event of data.events) log.set(event.seq, event.data.body);
  assert.deepEqual([...log.keys()], [1, 2, 3, 4]);
  assert.deepEqual([...log.values()].sort(), ["after", "before", "meanwhile 1", "meanwhile 2"]);
  assert.deepEqual(titles(await alice.inbox()), [...log.values()]);
}
