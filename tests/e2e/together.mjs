// People in a watch party, each with a window of Chromium on it, and how far their pictures are apart.
import { existsSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Browser } from "./browser.mjs";
import { until } from "./stage.mjs";
import { makeVideo } from "./video.mjs";

/** Between two samples of one window, ms. */
const SAMPLE_MS = 40;

/**
 * The stack as it is seen from far away: each packet takes `ms` each way, and up to `jitter` more; none overtakes another.
 * @returns {Promise<{url: string, cut: () => void}>} `cut`: nothing passes any more, and nobody is told
 */
export async function farAway(stage, ms, jitter) {
  const port = Number(new URL(stage.url).port);
  const sockets = new Set();
  let open = true;
  const late = (from, to) => {
    let free = 0;
    const pass = (work) => {
      const at = (free = Math.max(free, performance.now() + ms + Math.random() * jitter));
      setTimeout(() => open && work(), at - performance.now());
    };
    from.on("data", (bytes) => pass(() => to.destroyed || to.write(bytes)));
    from.on("end", () => pass(() => to.end()));
    from.on("close", () => pass(() => to.destroy()));
    from.on("error", () => to.destroy());
  };
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) sockets.add(socket.setNoDelay(true));
    late(near, far);
    late(far, near);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  stage.atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, cut: () => (open = false) };
}

/** A video file of `seconds` that the stack may play; made once for all scenes of a run. */
export async function videoFile(stage, browser, seconds) {
  const name = `made-${seconds}.webm`;
  const path = join(stage.given.media.folder, name);
  if (!existsSync(path)) {
    const page = await browser.context.newPage();
    await page.goto("/"); // the encoders want a secure context
    writeFileSync(path, await makeVideo(page, seconds));
    await page.close();
  }
  return `${stage.given.media.origin}/${name}`;
}

/** A party for a file, opened by the first of `names`; nobody is in it yet. `told`: the server knows how long it is. */
export async function openParty(stage, names, { seconds = 120, told = true, ...opening } = {}, options = []) {
  const browsers = [];
  for (const [at, name] of names.entries()) browsers.push(await (await Browser.open(stage, options[at] ?? {})).enter(name));
  const [host] = browsers;
  const channel = await stage.channel("party", "Party People");
  const creator = await host.person.follow(channel);
  const [community] = await host.person.call("GET", `/communities?creator_id=${creator.id}`);
  await Promise.all(browsers.map(({ person }) => person.call("POST", `/communities/${community.id}/members/me`)));
  await stage.ask("appoint", community.id, host.person.user.id, 4); // a manager
  const url = await videoFile(stage, host, seconds);
  const content = await host.person.call("POST", `/creators/${creator.id}/files`, { url, title: "The last encore", ...(told ? { duration_s: seconds } : {}) });
  const party = await host.person.call("POST", "/watch-parties", { content_id: content.id, visibility: "public", title: "Encore night", ...opening });
  for (const browser of browsers) Object.assign(browser, { party, content, creator, community });
  return browsers;
}

/** Goes in and waits until the player stands there. */
export async function comeIn(...browsers) {
  await Promise.all(
    browsers.map(async ({ page, party }) => {
      await page.goto(`/parties/${party.id}`);
      await page.waitForFunction(() => document.querySelector("#screen video")?.readyState >= 2);
    }),
  );
}

export const status = ({ page }) => page.evaluate(() => globalThis.party.now?.status ?? null);
export const reach = (wanted, ...browsers) => until(async () => (await Promise.all(browsers.map(status))).every((one) => one === wanted), `all are ${wanted}`);

/** Whether the pictures move, in all windows. */
export const moves = (...browsers) =>
  until(async () => (await Promise.all(browsers.map(({ page }) => page.evaluate(() => globalThis.party.step?.mode)))).every((mode) => mode === "following" || mode === "correcting"), "all pictures move");

/** From now on where the video of each window is, and when, is written down. */
export async function record(...browsers) {
  await Promise.all(
    browsers.map(({ page }) =>
      page.evaluate((every) => {
        globalThis.samples = [];
        setInterval(() => {
          const video = document.querySelector("#screen video");
          if (!video) return;
          const runs = !video.paused && !video.seeking && video.readyState > 2;
          globalThis.samples.push([performance.timeOrigin + performance.now(), video.currentTime * 1000, runs ? 1 : 0]);
        }, every);
      }, SAMPLE_MS),
    ),
  );
}

/** What was written down: one list of `[at, position, runs]` for each window. */
export const recorded = (...browsers) => Promise.all(browsers.map(({ page }) => page.evaluate(() => globalThis.samples)));

/**
 * How far every two windows are apart, ms, at each sample of the one, where the other runs too: its position between its
 * own samples before and after. One jump between these two says nothing.
 * @param {[number, number, number][][]} windows
 * @param {(at: number) => boolean} counts
 */
export function apart(windows, counts = () => true) {
  const found = [];
  for (const [n, one] of windows.entries()) {
    for (const other of windows.slice(n + 1)) {
      let next = 0;
      for (const [at, position, runs] of one) {
        while (next < other.length && other[next][0] < at) next += 1;
        if (!runs || !counts(at) || next === 0 || next === other.length) continue;
        const [before, after] = [other[next - 1], other[next]];
        const [time, way] = [after[0] - before[0], after[1] - before[1]];
        if (!before[2] || !after[2] || Math.abs(way - time) > 100 + time / 2) continue;
        found.push(Math.abs(position - (before[1] + (way * (at - before[0])) / Math.max(time, 1e-6))));
      }
    }
  }
  return found.sort((a, b) => a - b);
}

export const share = (ordered, part) => ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * part))] ?? NaN;

export const rest = wait;
