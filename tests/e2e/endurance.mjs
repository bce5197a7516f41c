// The long proof: four windows of Chromium, near and far, through everything that may happen to a party.
import assert from "node:assert/strict";
import { AWAY, REFUSED } from "./browser.mjs";
import { until } from "./stage.mjs";
import { apart, comeIn, farAway, moves, openParty, reach, record, recorded, rest, share } from "./together.mjs";

const NAMES = ["Host", "Co-host", "Near", "Far"];
/** One way, and up to how much more, ms. */
const WAYS = [[5, 5], [25, 20], [60, 20], [90, 60]];
/** After a command from a person nobody is in step at once; this much is told apart, ms. */
const SETTLES_MS = 3_000;
const APART_MS = 120;

export async function four_windows(stage) {
  const options = await Promise.all(WAYS.map(([ms, jitter]) => farAway(stage, ms, jitter)));
  const people = await openParty(stage, NAMES, { seconds: 240 }, options);
  const [host, cohost, ...guests] = people;
  const others = [cohost, ...guests];
  for (const browser of people) browser.expected.push(AWAY, REFUSED, /503|502/);
  await host.person.call("POST", `/watch-parties/${host.party.id}/members`, { user_id: cohost.person.user.id, role: "cohost" });
  await host.person.call("PATCH", `/watch-parties/${host.party.id}`, { policy: { control: "cohosts" } });
  await comeIn(...people);
  await record(...people);
  const phases = [];
  const commands = [];
  const phase = async (name, ms) => {
    phases.push({ name, from: Date.now() });
    await rest(ms);
    phases.at(-1).until = Date.now();
  };
  const press = async ({ page }, key) => {
    await page.keyboard.press(key);
    commands.push(Date.now());
  };
  const place = ({ page }) => page.evaluate(() => [performance.timeOrigin + performance.now(), globalThis.party.now.position_ms]);

  await press(host, "k");
  await moves(...people);
  commands.push(Date.now());
  await phase("play", 20_000);
  for (let times = 0; times < 3; times += 1) {
    await press(host, "l");
    await phase("seek", 8_000);
  }
  await press(cohost, "k");
  await reach("paused", ...people);
  await rest(3_000);
  const paused = await Promise.all(people.map(({ page }) => page.evaluate(() => document.querySelector("#screen video").currentTime * 1000)));
  await press(cohost, "k");
  await moves(...people);
  commands.push(Date.now());
  await phase("play again", 10_000);

  const before = await Promise.all(people.map(place));
  const killed = Date.now();
  phases.push({ name: "server killed", from: killed });
  await stage.crash(() => rest(3_000));
  const listens = Date.now();
  await until(async () => (await Promise.all(people.map(({ page }) => page.evaluate(() => globalThis.party.state)))).every((state) => state === "live"), "all are back", 60_000);
  const [away, back] = [listens - killed, Date.now() - listens];
  await rest(10_000);
  phases.at(-1).until = Date.now();
  const after = await Promise.all(people.map(place));
  const jump = Math.max(...before.map(([at, from], n) => Math.abs(after[n][1] - from - (after[n][0] - at))));

  const [hosts] = await recorded(host); // while it can still be asked
  await cohost.page.evaluate(() => globalThis.party.on("event", ({ type }) => type === "host-changed" && (globalThis.became = Date.now())));
  const left = await Promise.all(others.map(place));
  options[0].cut(); // no word reaches the server, not even that the connection is closed
  const gone = Date.now();
  phases.push({ name: "host gone", from: gone });
  const became = await until(() => cohost.page.evaluate(() => globalThis.became), "somebody else hosts", 20_000);
  await rest(5_000);
  phases.at(-1).until = Date.now();
  const stayed = await Promise.all(others.map(place));
  const moved = Math.max(...left.map(([at, from], n) => Math.abs(stayed[n][1] - from - (stayed[n][0] - at))));
  await press(cohost, "l");
  await phase("seek of the new host", 8_000);

  const windows = [hosts, ...(await recorded(...others))];
  const settled = (at) => commands.every((command) => at < command || at > command + SETTLES_MS);
  const line = (name, found) => ({ name, samples: found.length, p50: share(found, 0.5), p99: share(found, 0.99), most: found.at(-1) });
  const rows = [];
  for (const name of new Set(phases.map((one) => one.name))) {
    const within = (at) => phases.some((one) => one.name === name && at >= one.from && at <= one.until);
    rows.push(line(name, apart(windows, (at) => within(at) && settled(at))));
  }
  const steady = line("all, settled", apart(windows, settled));
  rows.push(steady, line("all, from the first picture on", apart(windows, (at) => at > commands[0])));
  const spread = Math.max(...paused) - Math.min(...paused);
  console.log(`@figures ${JSON.stringify({ rows, spread, jump, moved, away, back, hosted: became - gone })}`);
  assert.ok(steady.samples > 1_000, `${steady.samples} samples`);
  assert.ok(steady.p99 <= APART_MS, `p99 is ${steady.p99} ms`);
  assert.ok(spread <= 60, `paused ${spread} ms apart`);
  assert.ok(jump <= 50 && moved <= 50, `the timeline jumped by ${jump} and ${moved} ms`);
  assert.ok(became - gone <= 12_000, `nobody hosted for ${became - gone} ms`);
  for (const browser of others) browser.assertQuiet();
}
