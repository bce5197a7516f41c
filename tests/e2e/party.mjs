// People in a watch party, each with a window of Chromium. Words are those of the locales, in `stage.given.language`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { until } from "./stage.mjs";
import { apart, comeIn, farAway, moves, openParty, reach, record, recorded, rest, share } from "./together.mjs";

/** Nobody counts what happens so long after somebody pressed something, ms. */
const SETTLES_MS = 3_000;
/** Seen pairwise, 99 of 100, ms: the goal. */
const APART_MS = 120;

export async function sees_the_same_frame_as_another(stage) {
  const [host, guest] = await openParty(stage, ["Sora", "Minji"], {}, [{}, await farAway(stage, 60, 20)]);
  await comeIn(host, guest);
  await record(host, guest);
  const changes = [];
  const at = () => changes.push(Date.now());

  await host.page.locator("#play").click();
  await moves(host, guest);
  at();
  assert.ok(await guest.page.locator("#play").isHidden(), "a guest may not steer here");
  await rest(SETTLES_MS + 4_000);
  await host.page.keyboard.press("l");
  at();
  await rest(SETTLES_MS + 3_000);
  await moves(host, guest);
  const windows = await recorded(host, guest);
  await host.page.keyboard.press("k");
  await reach("paused", host, guest);

  const steady = apart(windows, (when) => changes.every((change) => when < change || when > change + SETTLES_MS) && when > changes[0]);
  console.log(`@figures ${JSON.stringify({ samples: steady.length, p50: share(steady, 0.5), p99: share(steady, 0.99) })}`);
  assert.ok(steady.length > 100, `${steady.length} samples`);
  assert.ok(share(steady, 0.99) <= APART_MS, `p99 ${share(steady, 0.99)}`);
  const paused = () => Promise.all([host, guest].map(({ page }) => page.evaluate(() => [document.querySelector("#screen video").currentTime * 1000, globalThis.party.now.position_ms])));
  await rest(1_500);
  for (const [shown, wanted] of await paused()) assert.ok(Math.abs(shown - wanted) <= 60, `paused at ${shown}, not at ${wanted}`);
  for (const browser of [host, guest]) browser.assertQuiet();
}

/** What a page shows in each state; pictures of it where a folder for them is given. */
export async function sees_every_state_whole(stage) {
  const vote = (browser) => browser.page.locator("#queue .vote").first();
  const people = await openParty(stage, ["Sora", "민지 Minji", "Jun"], { title: "Encore night: the whole last concert, together" });
  const [host, guest, other] = people;
  const show = async (browser, name) => {
    const { page } = browser;
    for (const colorScheme of stage.given.pictures ? ["light", "dark"] : []) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(stage.given.pictures, `party-${name}-${stage.given.language}-${stage.given.width}-${colorScheme}.png`), fullPage: true });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
  };
  const tab = (browser, name) => browser.page.locator(`#tab-${name}`).click();
  const curtain = (browser, key, values) => browser.page.locator("#curtain", { hasText: browser.t(key, values) }).waitFor();

  await comeIn(host, guest);
  await Promise.all([curtain(host, "party.idle.host"), curtain(guest, "party.idle")]);
  await show(host, "idle-host");
  await show(guest, "idle-guest");

  // somebody who never gets ready: the gate opens without them after five seconds
  await other.page.goto("/feed");
  await other.page.evaluate(async (id) => {
    const { client } = await import(document.querySelector('script[src*="app/main.js"]').src.replace("main.js", "client.js"));
    await client.namespace("/watch-party").connect().emit("join-party", { party_id: id });
  }, host.party.id);
  await host.page.locator("#curtain").getByRole("button", { name: host.t("party.start") }).click();
  await guest.page.locator("#curtain", { hasText: guest.t("party.gate.count", { ready: 2, of: 3 }) }).waitFor();
  await show(guest, "gate");
  await moves(host, guest);
  await guest.page.locator("#curtain").waitFor({ state: "hidden" });
  await guest.page.locator('#pace[data-pace="good"]').waitFor();

  for (const [browser, text] of [[host, "여기 진짜 좋다"], [guest, "the drums come in **now**"], [guest, "👏👏👏"]]) {
    await browser.page.locator("#composer-text").fill(text);
    await browser.page.locator("#composer .send").click();
    await host.page.locator("#messages .message", { hasText: text.replaceAll("*", "") }).waitFor();
  }
  assert.match(await host.page.locator("#messages .said-at").first().textContent(), /^0:\d\d$/);
  await guest.page.locator("#emoji-row button").first().click();
  await host.page.locator("#float span").first().waitFor({ state: "attached" });
  await show(host, "playing-host");
  await show(guest, "playing-guest");
  await tab(host, "people");
  await host.page.locator("#people li", { hasText: "민지" }).getByRole("button").click();
  await show(host, "people");
  await host.page.getByRole("menuitem", { name: host.t("party.do.cohost") }).click();
  await guest.page.locator("#people .role-cohost").waitFor({ state: "attached" });
  assert.ok(await guest.page.locator("#play").isHidden(), "only the host steers");

  await tab(guest, "queue");
  await guest.page.locator("#panel-queue .side-foot button").click();
  await guest.page.locator("dialog .choice").first().waitFor();
  await show(guest, "choose");
  await guest.page.locator("dialog .choice").first().click();
  await vote(guest).click();
  await tab(host, "queue");
  await until(async () => (await vote(host).textContent()) === "1", "the vote is seen");
  await show(host, "queue");
  await tab(host, "figures");
  await host.page.locator("#figures .figure").nth(4).waitFor();
  await show(host, "figures");
  for (const name of ["party.invite", "party.settings"]) {
    await host.page.locator(`#actions [data-do="${name}"]`).click();
    await host.page.locator("dialog[open]").waitFor();
    await show(host, name.replace(".", "-"));
    await host.page.keyboard.press("Escape");
  }
  await host.page.locator("#play").click();
  await reach("paused", host, guest);
  await show(host, "paused");

  await tab(host, "people");
  await host.page.locator("#people li", { hasText: "민지" }).getByRole("button").click();
  await host.page.getByRole("menuitem", { name: host.t("party.do.kick") }).click();
  await host.page.locator("dialog[open]").getByRole("button", { name: host.t("party.do.kick") }).click();
  await curtain(guest, "party.out.kicked");
  await show(guest, "kicked");
  await guest.page.locator("#curtain").getByRole("button", { name: guest.t("party.out.again") }).click();
  await guest.page.locator("#curtain").waitFor({ state: "hidden" });
  await guest.page.waitForFunction(() => document.querySelector("#screen video")?.readyState >= 2); // there is a picture again

  await host.page.locator('#actions [data-do="party.settings"]').click();
  await host.page.locator('dialog[open] [data-do="party.end"]').click();
  await host.page.locator("dialog[open]").getByRole("button", { name: host.t("party.end") }).click();
  await Promise.all([curtain(host, "party.out.over"), curtain(guest, "party.out.over")]);
  await show(guest, "over");
  await host.person.call("POST", "/watch-parties", { content_id: host.content.id, visibility: "public", title: "Later tonight", starts_at: new Date(Date.now() + 3 * 3_600_000).toISOString() });
  await host.page.goto("/parties");
  await host.page.locator("#mine .party-card").first().waitFor();
  await host.page.locator("#past .row").first().waitFor();
  await show(host, "list");
  await host.page.goto(`/creators/${host.creator.id}`);
  await host.page.locator(".card .together").first().waitFor();
  await show(host, "creator");
  await host.page.goto("/feed");
  await host.page.locator(".card .together").first().click();
  await host.page.locator("dialog[open]").waitFor();
  await show(host, "open");
  for (const browser of people) browser.assertQuiet();
}

export async function comes_from_a_notification_and_is_in_step_at_once(stage) {
  const [host, guest] = await openParty(stage, ["Sora", "Minji"], { visibility: "invite" }, [{}, await farAway(stage, 40, 20)]);
  await comeIn(host);
  await host.page.locator("#play").click();
  await moves(host);
  await guest.page.goto("/feed");
  await guest.rings(0);
  await host.person.call("POST", `/watch-parties/${host.party.id}/invites/people`, { user_ids: [guest.person.user.id] });
  await guest.rings(1);
  await guest.page.locator("#bell-button").click();
  await guest.page.locator("#bell-panel .notice a").first().click();
  await guest.page.waitForURL(`**/${host.party.id}*`);
  await guest.page.waitForFunction(() => document.querySelector("#screen video")?.readyState >= 2);
  const came = Date.now();
  await record(host, guest);
  await moves(guest);
  await guest.page.locator('#pace[data-pace="good"]').waitFor();
  await host.page.locator("#people li", { hasText: "Minji" }).waitFor({ state: "attached" });
  await rest(5_000);
  const joined = apart(await recorded(host, guest), (at) => at > came + 3_000);
  console.log(`@figures ${JSON.stringify({ samples: joined.length, p99: share(joined, 0.99) })}`);
  assert.ok(joined.length > 20 && share(joined, 0.99) <= APART_MS, `p99 ${share(joined, 0.99)} of ${joined.length}`);
  for (const browser of [host, guest]) browser.assertQuiet();
}

/** As a browser that lets nothing be heard before a touch, or nothing play at all. */
const strict = (browser, silent) =>
  browser.context.addInitScript((mayPlaySilently) => {
    const play = HTMLMediaElement.prototype.play;
    let touched = false; // what a driver runs in the page counts as a touch for the browser itself
    addEventListener("pointerdown", () => (touched = true), true);
    HTMLMediaElement.prototype.play = function () {
      const allowed = touched || (mayPlaySilently && this.muted);
      return allowed ? play.call(this) : Promise.reject(new DOMException("a touch first", "NotAllowedError"));
    };
  }, silent);

export async function hears_nothing_before_a_touch(stage) {
  const [host, guest, other] = await openParty(stage, ["Sora", "Minji", "Jun"]);
  await strict(guest, true);
  await strict(other, false);
  await comeIn(host);
  await host.page.locator("#play").click();
  await moves(host);
  await comeIn(guest, other);
  const video = (browser) => browser.page.evaluate(() => ({ muted: document.querySelector("#screen video").muted, paused: document.querySelector("#screen video").paused }));
  await moves(guest);
  assert.deepEqual(await video(guest), { muted: true, paused: false });
  await guest.page.getByRole("button", { name: guest.t("party.sound") }).click();
  await guest.page.locator("#curtain").waitFor({ state: "hidden" });
  assert.deepEqual(await video(guest), { muted: false, paused: false });
  await other.page.getByRole("button", { name: other.t("party.tap") }).click();
  await moves(other);
  await other.page.locator('#pace[data-pace="good"]').waitFor();
  assert.deepEqual(await video(other), { muted: false, paused: false });
  for (const browser of [host, guest, other]) browser.assertQuiet();
}

/** YouTube's frame as far as its messages go: a player of 100 s with the speeds of that player. */
const TUBE = `<!doctype html><script>
  let [state, at, from, rate] = [5, performance.now(), 0, 1];
  const now = () => (state === 1 ? from + ((performance.now() - at) / 1000) * rate : from);
  const say = (event, info) => parent.postMessage(JSON.stringify({ event, info, id: 1, channel: "widget" }), "*");
  const move = (to, place = now()) => { [from, at, state] = [place, performance.now(), to]; say("onStateChange", to); };
  const run = {
    playVideo: () => setTimeout(() => move(1), 80),
    pauseVideo: () => setTimeout(() => move(2), 20),
    seekTo: (s) => { const before = state; move(3, s); setTimeout(() => move(before === 1 ? 1 : 2), 150); },
    setPlaybackRate: (to) => { from = now(); at = performance.now(); rate = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2].reduce((a, b) => (Math.abs(b - to) < Math.abs(a - to) ? b : a)); },
  };
  let known = false;
  addEventListener("message", ({ data }) => {
    const { event, func, args } = JSON.parse(data);
    if (event === "listening" && !known) { known = true; say("onReady", null); setInterval(() => say("infoDelivery", { currentTime: now(), playerState: state, playbackRate: rate, duration: 100, videoLoadedFraction: 1 }), 100); }
    if (event === "command") run[func]?.(...args);
  });
  globalThis.place = () => now() * 1000;
</script>`;

export async function watches_youtube_in_a_frame_of_its_own(stage) {
  const people = await openParty(stage, ["Sora", "Minji"]);
  const [host] = people;
  const channel = await stage.channel("tube", "Tube");
  await stage.publish(channel, "A tube video");
  const creator = await host.person.follow(channel);
  const [video] = await until(async () => {
    const videos = await host.person.call("GET", `/creators/${creator.id}/videos`);
    return videos.length && videos;
  }, "the video is known");
  for (const browser of people) {
    browser.expected.push(/localStorage/); // what signs people in here runs in the frame too
    await browser.context.route("https://www.youtube-nocookie.com/**", (route) => route.fulfill({ contentType: "text/html", body: TUBE }));
    await browser.page.goto(`/parties/${host.party.id}`);
  }
  await host.page.waitForFunction(() => document.querySelector("#screen video"));
  await host.page.evaluate((id) => globalThis.party.load(id), video.id);
  for (const { page } of people) await page.locator("#screen iframe").waitFor();
  await until(() => host.page.evaluate(() => globalThis.party.step?.mode === "standing"), "the frame answers");
  await host.page.locator("#play").click();
  await moves(...people);
  await rest(6_000);
  const places = await Promise.all(
    people.map(async ({ page }) => {
      const frame = page.frames().find((one) => one.url().startsWith("https://www.youtube-nocookie.com"));
      const seen = await frame.evaluate(() => [performance.timeOrigin + performance.now(), globalThis.place()]);
      return seen[1] - seen[0];
    }),
  );
  assert.ok(Math.abs(places[0] - places[1]) < 250, `the frames are ${places[0] - places[1]} ms apart`);
  const policy = (await host.page.request.get(`/parties/${host.party.id}`)).headers()["content-security-policy"];
  assert.match(policy, /script-src 'self';/);
  for (const browser of people) browser.assertQuiet();
}

export async function hands_the_party_on_and_takes_it_back(stage) {
  const [host, guest] = await openParty(stage, ["Sora", "Minji"]);
  await comeIn(host, guest);
  await host.page.locator("#play").click();
  await moves(host, guest);
  const places = () => Promise.all([host, guest].map(({ page }) => page.evaluate(() => [performance.timeOrigin + performance.now(), globalThis.party.now.position_ms])));
  const before = await places();
  await host.page.locator("#tab-people").click();
  await host.page.locator("#people li", { hasText: "Minji" }).getByRole("button").click();
  await host.page.getByRole("menuitem", { name: host.t("party.do.transfer") }).click();
  await host.page.locator("dialog[open]").getByRole("button", { name: host.t("party.do.transfer") }).click();
  await guest.page.locator("#play").waitFor();
  await host.page.locator("#play").waitFor({ state: "hidden" });
  await guest.page.locator("#spoken", { hasText: guest.t("party.said.hostYou") }).waitFor({ state: "attached" });

  // who goes leaves it to somebody who is there, and may take it back for a minute, also on a page of its own
  await guest.page.goto("/parties");
  await host.page.locator("#play").waitFor();
  await guest.page.goto(`/parties/${guest.party.id}`);
  await guest.page.locator("#claim").click();
  await guest.page.locator("#play").waitFor();
  await host.page.locator("#play").waitFor({ state: "hidden" });
  const after = await places();
  for (const [n, [at, position]] of after.entries()) assert.ok(Math.abs(position - before[n][1] - (at - before[n][0])) < 50, "the timeline went on");
  for (const browser of [host, guest]) browser.assertQuiet();
}

export async function stops_at_an_end_that_only_the_player_knows(stage) {
  const [host, guest] = await openParty(stage, ["Sora", "Minji"], { seconds: 5, told: false });
  await comeIn(host, guest);
  await host.page.locator("#play").click();
  await moves(host, guest);
  await reach("paused", host, guest);
  const [shown, length] = await guest.page.evaluate(() => [globalThis.party.now.position_ms, document.querySelector("#screen video").duration * 1000]);
  assert.ok(Math.abs(shown - length) < 1_000, `it stands at ${shown} of ${length}`);
  for (const browser of [host, guest]) browser.assertQuiet();
}

export async function comes_by_a_link(stage) {
  const [host, guest, other] = await openParty(stage, ["Sora", "Minji", "Jun"], { visibility: "invite" });
  await guest.page.goto(`/parties/${host.party.id}`);
  await guest.page.locator("#curtain", { hasText: guest.t("party.out.notFound") }).waitFor();

  await comeIn(host);
  const dialog = host.page.locator("dialog[open]");
  await host.page.locator('#actions [data-do="party.invite"]').click();
  await dialog.locator("#invite-name").fill("Nobody of that name");
  await dialog.getByText(host.t("party.invite.nobody", { name: "Nobody of that name" })).waitFor();
  await dialog.locator("#invite-name").fill("Min");
  await dialog.locator(".row", { hasText: "Minji" }).waitFor();
  await dialog.getByRole("button", { name: host.t("party.invite.new") }).click();
  const address = await dialog.locator(".invite-rows input").inputValue();
  assert.ok(address.startsWith(`${stage.url}/parties/${host.party.id}?invite=`), address);

  await guest.page.goto(address);
  await guest.page.locator("#screen video").waitFor();
  assert.equal(new URL(guest.page.url()).search, "", "what let in is not passed on");
  await guest.page.reload();
  await guest.page.locator("#screen video").waitFor();
  await other.page.goto(address.replace("/parties/", "/watch-parties/")); // as older notifications spell it
  await other.page.locator("#screen video").waitFor();
  assert.ok(other.page.url().endsWith(`/parties/${host.party.id}`), other.page.url());
  for (const browser of [host, guest, other]) browser.assertQuiet();
}

export async function is_told_that_nothing_plays_here(stage) {
  const [host, guest] = await openParty(stage, ["Sora", "Minji"]);
  await guest.context.route("**/*.webm", (route) => route.fulfill({ status: 200, contentType: "video/webm", body: "no film" }));
  await comeIn(host);
  await guest.page.goto(`/parties/${host.party.id}`);
  await guest.page.locator("#curtain", { hasText: guest.t("party.unplayable") }).waitFor();
  await host.page.locator("#play").click();
  await moves(host);
  await guest.page.locator("#pace-text", { hasText: guest.t("party.pace.broken") }).waitFor();
  await guest.context.unroute("**/*.webm");
  await guest.page.locator("#curtain").getByRole("button", { name: guest.t("state.retry") }).click();
  await moves(guest);
  await guest.page.locator('#pace[data-pace="good"]').waitFor();
  for (const browser of [host, guest]) browser.assertQuiet();
}
