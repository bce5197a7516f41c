// The client library that the server gives out, against that server.
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { io } from "socket.io-client";
import { MyPick } from "../../handlers/static/mypick.js";
import { PASSWORD, Person, until } from "./stage.mjs";

function make(stage, options = {}) {
  const client = new MyPick({ url: stage.url, io, socketOptions: { reconnectionDelay: 100, reconnectionDelayMax: 500 }, ...options });
  stage.atEnd(() => client.close());
  return client;
}

/** Somebody who uses the library; `log` holds what their stream has applied. */
async function fan(stage, options) {
  const client = make(stage, options);
  const email = stage.email("fan");
  await client.register({ email, password: PASSWORD, display_name: "Fan" });
  return { client, email, ...(await watch(client)) };
}

async function watch(client) {
  const log = [];
  const resets = [];
  const states = [];
  const inbox = client.namespace("/notifications").connect();
  inbox.onState((state) => states.push(state));
  inbox.stream(`inbox:${client.user.id}`, { onEvent: (event) => log.push(event), onReset: (reply) => resets.push(reply) });
  await until(() => inbox.state === "online");
  return { inbox, log, resets, states };
}

async function follow(client, channel) {
  const { data } = await client.request("POST", "/creators", { source: "@" + channel.handle });
  await client.request("POST", `/creators/${data.id}/subscribe`);
}

/** What the server has in the inbox of this client, oldest first, read page by page with its own token. */
async function stored(stage, client) {
  const person = new Person(stage.url);
  person.token = await client.session.token();
  return person.inbox();
}

/** The test of the whole system: the log of the client equals the database. */
async function assertLogEqualsDatabase(stage, { client, log, resets }, expected) {
  await until(() => log.length >= expected.length, () => `${log.length} of ${expected.length}: ${log.map(({ seq }) => seq)}`);
  const kept = await stored(stage, client);
  assert.deepEqual(
    log.map(({ seq, id, epoch, data }) => [seq, id, epoch, data.body]),
    kept.map(({ seq, id, epoch, data }) => [seq, id, epoch, data.body]),
  );
  assert.deepEqual(log.map(({ seq }) => seq), expected.map((_, index) => index + 1));
  assert.deepEqual(new Set(log.map(({ data }) => data.body)), new Set(expected));
  assert.deepEqual(resets, []);
}

export async function fifty_publications_with_a_crash_among_them(stage) {
  const channel = await stage.channel("busy", "Busy Bee");
  const phone = await fan(stage);
  await follow(phone.client, channel);
  const laptop = make(stage, { socketOptions: { transports: ["polling"], reconnectionDelay: 100, reconnectionDelayMax: 500 } });
  await laptop.logIn(phone.email, PASSWORD);
  const other = { client: laptop, ...(await watch(laptop)) };
  const titles = Array.from({ length: 50 }, (_, n) => `no ${n + 1}`);
  const publish = async (from, to) => {
    for (const title of titles.slice(from, to)) {
      await stage.publish(channel, title);
      await wait(50); // so that polls and the crash fall among them
    }
  };
  await publish(0, 20);
  await until(() => phone.log.length > 0);
  await stage.crash(() => publish(20, 35));
  await publish(35, 50);
  await assertLogEqualsDatabase(stage, phone, titles);
  await assertLogEqualsDatabase(stage, other, titles);
  assert.ok(phone.states.includes("reconnecting"), String(phone.states));
}

export async function a_command_given_while_the_server_is_away_is_done_when_it_is_back(stage) {
  const channel = await stage.channel("away", "Away Game");
  const phone = await fan(stage);
  await follow(phone.client, channel);
  await stage.publish(channel, "one");
  await until(() => phone.log.length === 1);
  let marked;
  await stage.crash(async () => {
    await until(() => phone.inbox.state === "reconnecting");
    marked = phone.inbox.emit("mark-read", { upto_seq: 1 });
  });
  assert.deepEqual(await marked, { unread_count: 0 });
  assert.equal((await stored(stage, phone.client))[0].read, true);
}

export async function refuses_what_the_server_refuses_with_its_code(stage) {
  const { client, inbox, email } = await fan(stage);
  await assert.rejects(inbox.emit("mark-read", { upto_seq: 1, ids: [1] }), { code: "INVALID", retryable: false });
  await assert.rejects(inbox.emit("no-such-command", {}), { code: "INVALID" });
  await assert.rejects(client.request("GET", "/creators/999999999"), { code: "NOT_FOUND", status: 404 });
  await assert.rejects(make(stage).logIn(email, "wrong password"), { code: "UNAUTHENTICATED", status: 401 });
}

// With access tokens that live for `stage.given.life` seconds:

export async function short_tokens_are_renewed_and_nothing_is_lost(stage) {
  const channel = await stage.channel("short", "Short Life");
  const storage = new Shared();
  const phone = await fan(stage, { storage });
  await follow(phone.client, channel);
  let renewals = 0;
  phone.client.on("session", (reason) => (renewals += reason === "refreshed"));
  const titles = [];
  const began = performance.now();
  const lives = 3;
  while (performance.now() - began < lives * stage.given.life * 1_000) {
    titles.push(`no ${titles.length + 1}`);
    await stage.publish(channel, titles.at(-1));
    await wait(400);
    await phone.client.request("GET", "/users/me");
  }
  const lived = (performance.now() - began) / (stage.given.life * 1_000); // more than asked for where the machine is slow
  const renewed = renewals;
  await assertLogEqualsDatabase(stage, phone, titles);
  assert.ok(renewed >= lives - 1, `${renewed} renewals in ${lived} lives`);
  assert.ok(renewed <= 2 * lived + 2, `${renewed} renewals in ${lived} lives: more than two a token`);
  assert.equal(phone.inbox.state, "online");
  assert.ok(!phone.states.slice(phone.states.indexOf("online")).includes("reconnecting"), String(phone.states));
}

export async function tabs_that_renew_at_once_keep_the_session(stage) {
  for (const locks of [new Locks(), undefined]) {
    const storage = new Shared();
    const first = await fan(stage, { storage, locks });
    const tabs = [first.client, ...[1, 2, 3].map(() => make(stage, { storage, locks }))];
    for (const tab of tabs) tab.session.close(); // no timers: all of them find the token too old at the same moment
    await wait(stage.given.life * 1_000);
    const answers = await Promise.all(tabs.map((tab) => tab.request("GET", "/users/me")));
    assert.deepEqual(answers.map(({ data }) => data.email), tabs.map(() => first.email));
    await Promise.all(tabs.map((tab) => tab.session.token({ not: null })));
    const sessions = (await first.client.request("GET", "/users/me/sessions")).data;
    assert.equal(sessions.length, 1);
  }
}

/** As tabs share `localStorage`. */
class Shared {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => this.items.set(key, value);
  removeItem = (key) => this.items.delete(key);
}

/** As tabs share `navigator.locks`. */
class Locks {
  line = Promise.resolve();
  request = (_, run) => (this.line = this.line.then(run, run));
}
