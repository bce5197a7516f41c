// The page that lists parties, with windows of Chromium in them.
import assert from "node:assert/strict";
import { AWAY, Browser, REFUSED } from "./browser.mjs";
import { until } from "./stage.mjs";
import { comeIn, openParty, rest } from "./together.mjs";

/** What is written on the cards of a list, by the party's id. */
const cards = (browser, list) => browser.page.locator(`#${list} .party-card`).evaluateAll((found) => Object.fromEntries(found.map((card) => [card.dataset.id, card.innerText])));

export async function sees_the_list_change_while_it_is_open(stage) {
  const [host, guest] = await openParty(stage, ["Sora", "Minji"], { title: "First night" });
  const { page } = guest;
  await page.clock.install();
  guest.expected.push(AWAY); // a socket that is just being opened when 25 s pass at once is given up, and opened again
  await page.goto("/parties");
  await page.locator("#live:not([aria-busy])").waitFor();
  const card = page.locator("#live .party-card", { hasText: "First night" }); // others may be on, of other scenes
  assert.equal(await card.count(), 0);
  const later = () => page.clock.fastForward(25_000); // the page reads each 20 s

  await comeIn(host);
  await later();
  await card.waitFor();
  await page.locator("#announcer", { hasText: guest.t("parties.begun", { title: "First night" }) }).waitFor({ state: "attached" });
  const link = card.locator("a").first();
  await link.focus();
  await card.evaluate((element) => (element.dataset.marked = "yes"));
  await later();
  await rest(500);
  assert.equal(await card.getAttribute("data-marked"), "yes", "what has not changed is not drawn anew");

  // another begins and stands before it, and this one fills
  const other = await host.person.call("POST", "/watch-parties", { content_id: host.content.id, visibility: "public", title: "Second night" });
  const tab = await host.context.newPage();
  await tab.goto(`/parties/${other.id}`);
  await tab.locator("#screen video").waitFor();
  await until(async () => {
    await later();
    return (await cards(guest, "live"))[other.id]?.match(/^1\D/m); // people, in any language
  }, "the second stands there");
  const nights = (await page.locator("#live .card-title").allInnerTexts()).filter((title) => title.endsWith(" night"));
  assert.deepEqual(nights.slice(0, 2), ["Second night", "First night"]);
  assert.equal(await link.evaluate((element) => element === document.activeElement), true, "the focus stays where it was");

  // it ends
  await host.person.call("POST", `/watch-parties/${host.party.id}/end`);
  await later();
  await card.waitFor({ state: "detached" });
  assert.ok(await page.evaluate(() => document.activeElement.matches("#live .party-card a")), "the next has the focus");
  for (const browser of [host, guest]) browser.assertQuiet();
}

export async function waits_at_the_doors_of_a_party_to_come(stage) {
  const starts = new Date(Date.now() + 3_600_000);
  const [host, guest] = await openParty(stage, ["Sora", "Minji"], { title: "Tomorrow's night", starts_at: starts.toISOString() });
  const { page } = guest;
  await page.clock.install();
  guest.expected.push(/status of 403/);
  await page.goto(`/parties/${host.party.id}`);
  const curtain = page.locator("#curtain");
  await curtain.getByText(guest.t("party.out.early")).waitFor();
  await page.locator("#party-title", { hasText: "Tomorrow's night" }).waitFor();
  assert.equal(await page.locator("#emoji-row").isHidden(), true);
  const attend = curtain.getByRole("button");
  await attend.click();
  await curtain.locator('[aria-pressed="true"]', { hasText: guest.t("party.attending") }).waitFor();
  const details = await host.person.call("GET", `/watch-parties/${host.party.id}`);
  assert.equal(details.attending, 2, "the host, and who said so");

  // the host begins at once: who waits is let in without doing anything
  await host.person.call("PATCH", `/watch-parties/${host.party.id}`, { starts_at: null });
  await page.clock.fastForward(16 * 60_000);
  await page.locator("#screen video").waitFor();
  assert.equal(await guest.page.evaluate(() => globalThis.party.state), "live");
  for (const browser of [host, guest]) browser.assertQuiet();
}

export async function opens_a_party_with_an_address(stage) {
  const [host] = await openParty(stage, ["Sora"]);
  const newcomer = await (await Browser.open(stage)).enter("Jun");
  const { page } = newcomer;
  newcomer.expected.push(REFUSED, /localStorage/); // what signs people in here runs in the frame too
  await newcomer.context.route("https://www.youtube-nocookie.com/**", (route) => route.fulfill({ contentType: "text/html", body: "nothing that answers" }));
  const channel = await stage.channel("tube", "Tube");
  await stage.publish(channel, "A tube video");
  const creator = await host.person.follow(channel);
  const [video] = await until(async () => {
    const videos = await host.person.call("GET", `/creators/${creator.id}/videos`);
    return videos.length && videos;
  }, "the video is known");
  await page.goto("/parties");
  const dialog = page.locator("dialog[open]");
  const open = async (address) => {
    await page.locator("#open").click();
    await dialog.getByRole("link", { name: newcomer.t("choose.follow") }).waitFor();
    await dialog.getByLabel(newcomer.t("choose.url")).fill(address);
    await dialog.getByRole("button", { name: newcomer.t("choose.go") }).click();
    await dialog.getByRole("button", { name: newcomer.t("open.submit"), exact: true }).click();
  };
  for (const address of ["https://films.example/film.mp4", "http://192.168.0.1/film.mp4"]) {
    await open(address);
    await page.locator(".toast.bad", { hasText: newcomer.t("problem.video.invalid") }).first().waitFor();
    await page.locator(".toast.bad button").first().click();
  }
  await open(video.url);
  await page.waitForURL(/\/parties\/\d+$/);
  await page.locator("#party-title", { hasText: "A tube video" }).waitFor();
  await page.locator("#curtain", { hasText: newcomer.t("party.unplayable") }).waitFor(); // well before what never loads
  newcomer.assertQuiet();
}
