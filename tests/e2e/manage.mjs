// Those who run a community at the page for it, and members in a second window who see what comes of it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { Browser, REFUSED } from "./browser.mjs";
import { comeIn, row, sees, talk, write } from "./rooms.mjs";
import { until } from "./stage.mjs";

/** Mo, who owns the community and is at the page for it, and somebody else. */
async function run(stage, name) {
  const [mo, other] = await talk(stage, "Mo", name);
  await stage.ask("appoint", mo.community, mo.person.user.id, 5);
  await mo.page.goto(`/communities/${mo.community}/manage`);
  return [mo, other];
}

async function open(mo, section) {
  await mo.page.locator(`#sections [href="#${section}"]`).click();
  await mo.page.locator(`#${section}`).waitFor();
  assert.equal(await mo.page.evaluate(() => document.activeElement.id), `${section}-title`, "the focus is where the section begins");
}

/** Answers the question that is open: fields by name. */
async function answer({ page }, fields = {}) {
  const dialog = page.locator("dialog");
  for (const [name, value] of Object.entries(fields)) {
    const field = dialog.locator(`[name=${name}]`);
    if (value === true) await field.check();
    else if ((await field.evaluate(({ tagName }) => tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  await dialog.locator("button[type=submit]").click();
  await dialog.waitFor({ state: "detached" });
}

const member = ({ page }, name) => page.locator("#people .row", { hasText: name });

/** Opens the menu of a person and chooses. */
async function choose(mo, name, deed) {
  await member(mo, name).getByRole("button", { name: mo.t("manage.members.more", { name }) }).click();
  await mo.page.locator(`.menu [data-name=${deed}]`).click();
}

async function shows(mo, name) {
  const { pictures, language, width } = mo.stage.given;
  if (pictures) await mo.page.screenshot({ path: join(pictures, `manage-${name}-${language}-${width}.png`), fullPage: true });
  const wide = await mo.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
}

export async function runs_rooms_and_people(stage) {
  const [mo, jun] = await run(stage, "Jun");
  await comeIn(jun);
  for (const text of ["first words", "more words"]) await write(jun, text);
  await sees(jun, "more words");
  assert.equal(await jun.page.locator("#unsent .message").count(), 0);

  await open(mo, "rooms");
  await mo.page.locator("#room-name").fill("spoilers");
  await mo.page.locator("#room-form button").click();
  await jun.page.locator(".room-link", { hasText: "spoilers" }).waitFor(); // live, in the room's own page
  const up = mo.page.getByRole("button", { name: mo.t("manage.rooms.up", { name: "spoilers" }) });
  await up.focus();
  await mo.page.keyboard.press("Enter");
  await until(async () => (await jun.page.locator(".room-link").first().textContent()).includes("spoilers"), "the new order was not seen");
  assert.ok(await mo.page.locator(".room-row").first().evaluate((element) => element.contains(document.activeElement)), "the focus stays with the room");
  await mo.page.getByRole("button", { name: mo.t("manage.rooms.modeName", { name: mo.t("room.first") }) }).click();
  await answer(mo, { slow_seconds: "60" });
  await mo.page.getByText(mo.t("manage.mode.slow", { count: 60 })).waitFor();
  await jun.page.getByText(jun.t("room.state.slow", { count: 60 })).waitFor();
  await shows(mo, "rooms");

  await open(mo, "terms");
  await mo.page.locator("#term").fill("banana*");
  await mo.page.keyboard.press("Enter");
  await mo.page.locator(".term", { hasText: "banana*" }).waitFor();
  await mo.page.locator("#tried").fill("b.a.n.a.n.a.s");
  await mo.page.keyboard.press("Enter");
  await mo.page.getByText(mo.t("manage.terms.try.block", { term: "banana*" })).waitFor();
  await shows(mo, "terms");

  await open(mo, "members");
  await mo.page.locator("#q").fill("Ju");
  await until(async () => (await mo.page.locator("#people .row").count()) === 1, "the search did not find one");
  const role = mo.page.getByLabel(mo.t("manage.members.role", { name: "Jun" }));
  assert.deepEqual(await role.locator("option").evaluateAll((all) => all.map(({ value }) => value)), ["member", "vip", "moderator", "manager"]);
  await role.selectOption("vip");
  await jun.page.getByText(jun.t("room.state.slow", { count: 60 })).waitFor({ state: "detached" }); // a vip is not slowed down
  await write(jun, "eat a banana");
  await jun.page.locator("#unsent", { hasText: jun.t("problem.room.blocked") }).waitFor();
  await shows(mo, "members");

  await choose(mo, "Jun", "timeout");
  await answer(mo, { seconds: "3600", reason: "calm down" });
  await jun.page.locator("#notice.bad").waitFor();
  await mo.page.locator("[data-people=timeout]").click();
  await member(mo, "Jun").getByText("calm down").waitFor();
  await member(mo, "Jun").getByRole("button", { name: mo.t("manage.members.liftName", { name: "Jun" }) }).click();
  await mo.page.getByText(mo.t("manage.members.timeout.none")).waitFor();
  await until(() => jun.page.locator("#composer-text").isEnabled(), "a lifted timeout is lifted at once");

  await mo.page.locator("[data-people=all]").click();
  await choose(mo, "Jun", "purge");
  await answer(mo, { hours: "all" });
  await row(jun, jun.t("message.deleted")).waitFor();
  await until(async () => (await jun.page.locator("#messages .message", { hasText: "words" }).count()) === 0, "words were left");
  await mo.page.locator("#purge-list .row", { hasText: mo.t("manage.purges.done", { done: 2 }) }).waitFor();
  await shows(mo, "purges");

  await open(mo, "members");
  await choose(mo, "Jun", "remove");
  await answer(mo, { reason: "enough" });
  await jun.page.getByText(jun.t("room.state.notMember")).waitFor();
  await until(async () => (await member(mo, "Jun").count()) === 0, "who was removed is still in the list");
  await open(mo, "log");
  await mo.page.locator("#log-action").selectOption("remove-member");
  const entry = mo.page.locator(".log-row", { hasText: "enough" });
  await entry.getByText(mo.t("log.remove-member")).waitFor();
  await until(async () => (await mo.page.locator(".log-row").count()) === 1, "the log shows only what was asked for");
  await shows(mo, "log");
  for (const browser of [mo, jun]) browser.assertQuiet();
}

export async function lets_people_in_and_gives_it_away(stage) {
  const [mo, jun] = await run(stage, "준");
  const guest = await (await Browser.open(stage)).enter("Guest");
  guest.expected = [REFUSED];
  const here = `/communities/${mo.community}`;
  await jun.person.call("POST", `/rooms/${jun.room}/messages`, { cid: "news", text: "새 소식" });
  await mo.page.locator("#general-form [name=description]").fill("팬들이 모이는 곳");
  await mo.page.locator("#general-form [value=members]").check();
  await mo.page.locator("#general-form button").click();
  await answer(mo); // it becomes less open, so that is asked
  await mo.page.locator(".toast.good").waitFor();
  await shows(mo, "general");

  await guest.page.goto(mo.path);
  await guest.page.getByRole("button", { name: guest.t("community.join") }).click();
  await guest.page.waitForURL(`**${here}`); // one comes in by asking, which is done there
  await guest.page.getByRole("button", { name: guest.t("community.ask") }).click();
  await answer(guest, { text: "들여보내 주세요" });
  await mo.page.locator('#sections [href="#requests"] .unread', { hasText: "1" }).waitFor();
  await guest.page.getByRole("button", { name: guest.t("community.request.withdraw") }).click();
  await guest.page.getByRole("button", { name: guest.t("community.ask") }).waitFor();
  await mo.page.locator('#sections [href="#requests"] .unread').waitFor({ state: "hidden" });
  await open(mo, "requests");
  await mo.page.getByText(mo.t("manage.requests.none")).waitFor();
  await guest.page.getByRole("button", { name: guest.t("community.ask") }).click();
  await answer(guest, { text: "다시 부탁해요" });
  await mo.page.locator("#request-list .row", { hasText: "다시 부탁해요" }).waitFor(); // it comes by itself
  await shows(mo, "requests");
  await mo.page.getByRole("button", { name: mo.t("manage.requests.acceptName", { name: "Guest" }) }).click();
  await mo.page.getByText(mo.t("manage.requests.none")).waitFor();

  await open(mo, "invites");
  await mo.page.locator("#max_uses").fill("0");
  await mo.page.locator("#invite-form button").click();
  await mo.page.getByText(mo.t("problem.field.range", { min: 1, max: 10_000 })).waitFor();
  await mo.page.locator("#max_uses").fill("2");
  await mo.page.locator("#invite-form button").click();
  const code = await mo.page.locator("#invite-list code").textContent();
  await shows(mo, "invites");
  await mo.page.getByRole("button", { name: mo.t("manage.invites.revokeName", { code }) }).click();
  await answer(mo);
  await mo.page.locator("#invite-list .ended", { hasText: mo.t("manage.invites.state.revoked") }).waitFor();

  await jun.person.call("POST", `/rooms/${jun.room}/messages`, { cid: "more", text: "또 새 소식" });
  await guest.page.goto("/communities");
  await guest.page.locator("#mine .creator .unread").getByText("1", { exact: true }).waitFor(); // what was said before one came is read

  await open(mo, "ownership");
  await mo.page.getByText(mo.t("manage.owner.is", { name: "Mo" })).waitFor();
  await mo.page.locator("#heir-q").fill("Gue");
  await mo.page.getByRole("button", { name: mo.t("manage.transfer.name", { name: "Guest" }) }).click();
  await shows(mo, "transfer");
  await answer(mo, { sure: true });
  await mo.page.locator(".toast.good", { hasText: mo.t("manage.transfer.done", { name: "Guest" }) }).waitFor();
  await mo.page.getByText(mo.t("manage.claim.title")).waitFor(); // Mo is a manager now
  await guest.page.goto(`${here}/manage#members`);
  const select = guest.page.getByLabel(guest.t("manage.members.role", { name: "Mo" }));
  assert.equal(await select.inputValue(), "manager");

  await mo.page.getByRole("button", { name: mo.t("manage.claim.submit") }).click();
  await mo.page.locator("#claim code", { hasText: "mypick-" }).waitFor();
  await shows(mo, "claim");
  mo.expected = [REFUSED];
  await mo.page.getByRole("button", { name: mo.t("manage.claim.check") }).click();
  await mo.page.getByText(mo.t("problem.claim.notYet")).first().waitFor();
  await jun.page.goto(`${here}/manage#members`);
  await jun.page.locator("#claim").waitFor(); // a member finds nothing but the way of the creator
  assert.equal(await jun.page.locator("#sections").isVisible(), false);
  for (const browser of [mo, jun, guest]) browser.assertQuiet();
}
