// The list of a room in Chromium: whoever reads the end goes on reading the end, and nobody else is taken there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";

const script = readFileSync(new URL("../../handlers/static/app/room/window.js", import.meta.url), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage();
const style = "#scroll { height: 400px; overflow-y: auto; overflow-anchor: none } ol { margin: 0; padding: 0; list-style: none }";
await page.route("http://page.example/**", (route) =>
  route.request().url().endsWith(".js")
    ? route.fulfill({ contentType: "text/javascript", body: script })
    : route.fulfill({ contentType: "text/html", body: `<!doctype html><style>${style}</style><div id=scroll><ol></ol></div>` }),
);
after(() => browser.close());

/** A list of 50 rows that are 40 px high, read at its end. */
beforeEach(async () => {
  await page.goto("http://page.example/");
  await page.evaluate(async () => {
    const { WindowedList } = await import("/window.js");
    const scroll = document.getElementById("scroll");
    const items = Array.from({ length: 50 }, (_, number) => ({ number, height: 40 }));
    const source = { items, older: false, newer: false, indexOf: (item) => items.indexOf(item), loadOlder: null, loadNewer: null };
    const draw = ({ number, height }) => Object.assign(document.createElement("li"), { textContent: number, style: `height: ${height}px` });
    const list = new WindowedList(scroll, scroll.firstElementChild, source, { draw, onScroll: () => {} });
    const frames = async () => {
      for (let number = 0; number < 3; number += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
    };
    const say = () => {
      items.push({ number: items.length, height: 40 });
      list.appended(1);
    };
    /** How far what is seen moves by what `change` does in the same turn as one scrolls up, px. */
    const movedBy = async (change) => {
      scroll.scrollTop -= 350;
      const row = list.element(items[36]);
      const before = row.getBoundingClientRect().top;
      change();
      await frames();
      return Math.abs(row.getBoundingClientRect().top - before);
    };
    const fromEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
    list.reset();
    await frames();
    Object.assign(globalThis, { scroll, items, list, frames, say, movedBy, fromEnd });
  });
});

test("whoever has just scrolled up stays there, whatever comes before the next frame", async () => {
  const moved = await page.evaluate(async () => [
    await movedBy(say),
    (list.toEnd(), await frames(), await movedBy(() => list.redrawAll())),
    (list.toEnd(), await frames(), await movedBy(() => list.changed(items[40]))),
  ]);
  assert.deepEqual(moved, [0, 0, 0]);
});

test("whoever reads the end goes on reading it, whatever changes its height", async () => {
  const left = await page.evaluate(async () => {
    const found = [];
    for (const change of [
      say,
      () => ((scroll.style.height = "250px"), say()), // a keyboard opens
      () => ((scroll.style.height = "400px"), say()), // and closes
      () => ((items.at(-1).height = 300), list.changed(items.at(-1))), // a preview comes
      () => ((items.at(-1).height = 20), list.changed(items.at(-1)), say()),
    ]) {
      change();
      await frames();
      found.push(fromEnd());
    }
    return found;
  });
  assert.deepEqual(left, [0, 0, 0, 0, 0]);
});

test("whoever comes back to the end is at the end at once", async () => {
  const left = await page.evaluate(async () => {
    scroll.scrollTop -= 350;
    await frames();
    scroll.scrollTop = scroll.scrollHeight;
    say();
    await frames();
    return fromEnd();
  });
  assert.equal(left, 0);
});
