// Pages that are read anew while somebody looks: at times, on coming back, and ever less often where nothing answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { keepFresh } from "../../handlers/static/app/fresh.js";
import { Time, turn } from "./time.mjs";

function looked({ random = 0.5 } = {}) {
  const time = new Time();
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const readings = [];
  let answer = true;
  keepFresh(async () => (readings.push(time.at), answer), { page, after: time.setTimeout, cancel: time.clearTimeout, now: time.monotonic, random: () => random });
  const show = async (visible) => {
    page.visibilityState = visible ? "visible" : "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    await turn();
  };
  return { time, readings, show, answer: (how) => (answer = how) };
}

test("what is looked at is read each 20 seconds, a little apart for each page", async () => {
  const [page, other] = [looked(), looked({ random: 1 })];
  await page.time.pass(61_000);
  await other.time.pass(61_000);
  assert.deepEqual(page.readings, [70_000, 90_000, 110_000]);
  assert.deepEqual(other.readings, [72_000, 94_000]);
});

test("what nobody looks at is not read, and is read at once on coming back after a while", async () => {
  const { time, readings, show } = looked();
  await show(false);
  await time.pass(600_000);
  assert.deepEqual(readings, []);
  await show(true);
  assert.deepEqual(readings, [650_000]);
  await time.pass(5_000);
  await show(false);
  await time.pass(5_000);
  await show(true);
  assert.equal(readings.length, 1); // a moment ago: the next comes in time
  await time.pass(20_000);
  assert.equal(readings.length, 2);
});

test("where nothing answers it is asked ever less often, and as often as before once something does", async () => {
  const { time, readings, answer } = looked();
  answer(false);
  await time.pass(1_000_000);
  const waits = readings.slice(1).map((at, n) => at - readings[n]);
  assert.deepEqual(waits.slice(0, 4), [40_000, 80_000, 160_000, 160_000]);
  answer(true);
  await time.pass(160_000);
  const count = readings.length;
  await time.pass(40_000);
  assert.equal(readings.length, count + 2);
});
