// People who talk in a room of a community, each with a browser.
import assert from "node:assert/strict";
import { join } from "node:path";
import { AWAY, REFUSED } from "./browser.mjs";
import { comeIn, row, sees, talk, write } from "./rooms.mjs";
import { until } from "./stage.mjs";

const shown = ({ page }) => page.locator("#messages .message .message-text").allInnerTexts();

/** What stands on the screen is what the database holds, each message once. */
async function assertScreenEqualsDatabase(...browsers) {
  for (const browser of browsers) {
    const { events } = await browser.person.call("GET", `/rooms/${browser.room}/messages?limit=100`);
    const texts = events.map(({ data }) => (data.deleted ? browser.t("message.deleted") : data.text));
    await until(async () => JSON.stringify(await shown(browser)) === JSON.stringify(texts), async () => `${texts} is in the database, ${await shown(browser)} on the screen`, 10_000).catch(async (error) => {
      error.message += ` ${JSON.stringify(await shown(browser))} but ${JSON.stringify(texts)}`;
      throw error;
    });
    assert.equal(await browser.page.locator("#unsent .message").count(), 0);
    assert.ok(await browser.page.evaluate(() => globalThis.sameDocument), "the page was loaded again");
  }
}

/** Opens the menu of a message and chooses. */
async function choose(browser, text, name) {
  await row(browser, text).focus();
  await row(browser, text).getByRole("button", { name: browser.t("message.more"), exact: true }).click();
  await browser.page.getByRole("menuitem", { name: browser.t(`message.${name}`), exact: true }).click();
}

export async function talks_with_another_and_nothing_is_missing(stage) {
  const [sora, jun] = await talk(stage, "Sora", "Jun");
  await comeIn(sora, jun);
  await write(sora, "첫인사 드려요");
  await sees(jun, "첫인사 드려요");
  await write(jun, "hello <b>Sora</b> https://example.org");
  await jun.page.locator(".unsent-held").waitFor(); // a newcomer's link waits for a moderator, and nobody else sees it
  assert.equal((await shown(sora)).length, 1);
  await write(jun, "hello <b>Sora</b>");
  await sees(sora, "hello <b>Sora</b>");

  await row(jun, "첫인사").focus();
  await row(jun, "첫인사").getByRole("button", { name: jun.t("message.react"), exact: true }).click();
  await jun.page.locator(".menu.emoji button", { hasText: "🎉" }).click();
  const reaction = row(sora, "첫인사").locator(".reaction", { hasText: "🎉" });
  await reaction.waitFor();
  assert.equal(await reaction.getAttribute("aria-pressed"), "false");
  await reaction.click();
  await until(async () => (await row(jun, "첫인사").locator(".reaction").textContent()) === "🎉2", "the second reaction was not counted");
  assert.equal(await row(jun, "첫인사").locator(".reaction").getAttribute("aria-pressed"), "true");

  await choose(sora, "첫인사", "edit");
  await sora.page.locator(".edit-place textarea").fill("다시 인사 드려요");
  await sora.page.getByRole("button", { name: sora.t("message.save"), exact: true }).click();
  await sees(jun, "다시 인사 드려요");
  await row(jun, "다시 인사").locator(".edited").waitFor();

  await row(jun, "다시 인사").focus();
  await row(jun, "다시 인사").getByRole("button", { name: jun.t("message.reply"), exact: true }).click();
  await write(jun, "반가워요");
  await row(sora, "반가워요").locator(".quote").waitFor();
  await choose(sora, "반가워요", "thread");
  await sora.page.locator("#answer-text").fill("in the thread");
  await sora.page.locator("#answer .send").click();
  await sora.page.locator("#side .message", { hasText: "in the thread" }).waitFor();
  await sora.page.locator("#side-close").click();
  await sees(jun, "in the thread");

  await choose(sora, "in the thread", "delete");
  await sora.page.locator("dialog").getByRole("button", { name: sora.t("message.delete"), exact: true }).click();
  await row(jun, jun.t("message.deleted")).waitFor();
  await jun.page.locator(".unsent-held").waitFor();
  await sora.page.locator("#composer-text").pressSequentially("typing");
  await until(async () => (await jun.page.locator("#typing").textContent()).includes("Sora"), "nobody saw Sora type");
  assert.match(await jun.page.locator("#spoken").textContent(), /반가워요|thread|인사/);
  for (const browser of [sora, jun]) browser.assertQuiet();
}

export async function is_called_by_name_and_comes_to_the_message(stage) {
  const [sora, jun] = await talk(stage, "Sora", "Jun");
  await stage.ask("appoint", sora.community, jun.person.user.id, 2); // a newcomer's mention would notify nobody
  await Promise.all(Array.from({ length: 70 }, (_, number) => jun.person.call("POST", `/rooms/${jun.room}/messages`, { cid: `before-${number}`, text: `before ${number}` })));
  await sora.page.goto("/creators");
  await sora.rings(0);
  await comeIn(jun);
  await jun.page.locator("#composer-text").pressSequentially("밥 먹자 @Sor");
  await jun.page.locator("#composer-mentions [role=option]", { hasText: "Sora" }).waitFor();
  const wide = await jun.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the list of names makes the page ${wide} px wider than the window`);
  await jun.page.keyboard.press("Enter");
  assert.equal(await jun.page.locator("#composer-text").inputValue(), "밥 먹자 @Sora ");
  await jun.page.locator("#composer .send").click();
  await row(jun, "밥 먹자").locator(".mention", { hasText: "@Sora" }).waitFor();
  await sora.rings(1);
  await sora.page.goto("/notifications");
  await sora.page.locator("#list .notice a", { hasText: "밥 먹자" }).click();
  const marked = sora.page.locator("#messages .message.marked", { hasText: "밥 먹자" });
  await marked.waitFor();
  assert.ok(await marked.evaluate((element) => element === document.activeElement), "the message has the focus");
  await marked.locator(".mention.me").waitFor();
  for (const browser of [sora, jun]) browser.assertQuiet();
}

export async function keeps_order_in_a_room(stage) {
  const [mo, troll] = await talk(stage, "Mo", "Troll");
  await stage.ask("appoint", mo.community, mo.person.user.id, 4);
  await comeIn(mo, troll);
  await write(troll, "something rude");
  await sees(mo, "something rude");
  assert.equal(await troll.page.locator("#show-mode").isVisible(), false);
  await choose(mo, "something rude", "delete");
  await mo.page.locator("dialog").getByRole("button", { name: mo.t("message.delete"), exact: true }).click();
  await row(troll, troll.t("message.deleted")).waitFor();

  await mo.page.locator("#show-mode").click();
  await mo.page.getByLabel(mo.t("mode.slow")).fill("5");
  await mo.page.locator("dialog").getByRole("button", { name: mo.t("message.save"), exact: true }).click();
  await troll.page.getByText(troll.t("room.state.slow", { count: 5 })).waitFor();
  await write(troll, "slowly then");
  await sees(mo, "slowly then");
  assert.ok(await troll.page.locator("#composer .send").isDisabled(), "slow mode counts down");

  await choose(mo, "slowly then", "timeout");
  await mo.page.locator("dialog input[name=reason]").fill("calm down");
  await mo.page.locator("dialog button[type=submit]").click();
  await troll.page.locator("#notice.bad").waitFor();
  assert.ok(await troll.page.locator("#composer-text").isDisabled());
  await choose(mo, "slowly then", "unban");
  await until(() => troll.page.locator("#composer-text").isEnabled(), "a lifted timeout is lifted at once");

  await choose(mo, "slowly then", "ban");
  await mo.page.locator("dialog input[name=reason]").fill("enough");
  const began = performance.now();
  await mo.page.locator("dialog button[type=submit]").click();
  await troll.page.getByText(troll.t("room.state.banned")).waitFor();
  assert.ok(performance.now() - began < 2_000, "a ban is seen at once");
  await troll.page.getByText(troll.t("room.state.reason", { reason: "enough" })).waitFor();
  assert.ok(await troll.page.locator("#composer-text").isDisabled());
  troll.expected = [REFUSED];
  await troll.page.goto(`/communities/${troll.community}`);
  await troll.page.getByText(troll.t("community.banned")).waitFor();
  await troll.page.getByLabel(troll.t("appeal.text")).fill("I am sorry");
  await troll.page.getByRole("button", { name: troll.t("appeal.submit") }).click();
  await troll.page.locator(".appeal-state", { hasText: troll.t("appeal.waiting") }).waitFor();
  await troll.page.reload();
  await troll.page.getByText(troll.t("appeal.waiting")).waitFor(); // one note, and no box for a second one
  assert.equal(await troll.page.locator(".appeal-state textarea").count(), 0);
  for (const browser of [mo, troll]) browser.assertQuiet();
}

export async function writes_on_while_the_server_is_gone(stage) {
  const [sora, jun] = await talk(stage, "Sora", "Jun");
  await comeIn(sora, jun);
  await write(sora, "before");
  await Promise.all([sora, jun].map((browser) => sees(browser, "before")));
  for (const browser of [sora, jun]) browser.expected = [AWAY];
  await stage.crash(async () => {
    await sora.page.getByText(sora.t("room.state.away")).waitFor();
    for (const text of ["one", "둘", "three"]) await write(sora, `meanwhile ${text}`);
    await write(jun, "me too");
    assert.equal(await sora.page.locator("#unsent .message").count(), 3);
  });
  await Promise.all([sora, jun].map((browser) => sees(browser, "meanwhile three")));
  await Promise.all([sora, jun].map((browser) => sees(browser, "me too")));
  await write(jun, "after");
  await sees(sora, "after");
  await assertScreenEqualsDatabase(sora, jun);
  const texts = await shown(sora);
  assert.deepEqual(texts.filter((text) => text.startsWith("meanwhile")), ["meanwhile one", "meanwhile 둘", "meanwhile three"]);
  for (const browser of [sora, jun]) browser.assertQuiet();
}

export async function writes_korean_and_does_all_by_keyboard(stage) {
  const [sora] = await talk(stage, "소라");
  const { page } = sora;
  await page.goto(`/communities/${sora.community}`);
  await page.locator(".room-link").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/rooms/*");
  await page.locator("#online").waitFor();
  const box = page.locator("#composer-text");
  await box.focus();
  // A syllable is being composed: the Enter that ends it is the input method's own and sends nothing.
  const keys = await page.context().newCDPSession(page);
  await keys.send("Input.imeSetComposition", { text: "한", selectionStart: 1, selectionEnd: 1 });
  await keys.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Process", code: "Enter", windowsVirtualKeyCode: 229 });
  await box.evaluate((element) => element.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true })));
  assert.equal(await box.inputValue(), "한");
  await keys.send("Input.insertText", { text: "한글" });
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("두 줄");
  if (stage.given.width < 500) await page.keyboard.press("Tab"); // a thumb's Enter begins a line: the button sends
  await page.keyboard.press("Enter");
  await sees(sora, "두 줄");
  assert.deepEqual(await shown(sora), ["한글\n두 줄"]);
  await box.focus();
  await page.keyboard.press("ArrowUp"); // changes what was said last
  await page.locator(".edit-place textarea").waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("고친 글");
  await page.keyboard.press("Enter");
  await sees(sora, "고친 글");
  assert.equal(await page.evaluate(() => document.activeElement.id), "composer-text");
  await page.locator("#scroll").focus();
  await page.keyboard.press("ArrowUp");
  assert.ok(await row(sora, "고친 글").evaluate((element) => element === document.activeElement));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), sora.t("message.react"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await row(sora, "고친 글").locator(".reaction", { hasText: "❤️" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.id), "composer-text");
  sora.assertQuiet();
}

export async function reads_a_long_past_without_a_jump(stage) {
  const [sora, jun] = await talk(stage, "Sora", "Jun");
  for (const { person, community } of [sora, jun]) await stage.ask("appoint", community, person.user.id, 3); // fans would flood
  const past = (number) => (number < 75 ? sora : jun).person.call("POST", `/rooms/${sora.room}/messages`, { cid: `past-${number}`, text: `past ${number} ${"word ".repeat((number * 7) % 30)}` });
  for (let number = 0; number < 150; number += 30) await Promise.all(Array.from({ length: 30 }, (_, more) => past(number + more)));
  await past(150);
  await comeIn(sora);
  await sees(sora, "past 150");
  const seen = await sora.page.evaluate(async () => {
    const scroll = document.querySelector("#scroll");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const found = { rows: 0, jump: 0, turns: 0, ids: new Set() };
    const end = performance.now() + 15_000;
    while (performance.now() < end && document.querySelector("#beginning").dataset.begun !== "true") {
      const middle = [...scroll.querySelectorAll("[data-row]")].find((row) => row.getBoundingClientRect().bottom > 300);
      const hurry = (found.turns = found.turns + 1) % 3 === 0; // to the top, faster than the past comes
      const first = scroll.querySelector("[data-row]");
      scroll.scrollTop = hurry ? 0 : scroll.scrollTop - 350;
      const at = middle.getBoundingClientRect().top;
      for (let frames = 0; frames < 2 || (hurry && frames < 60 && first.isConnected && first === scroll.querySelector("[data-row]")); frames += 1) await frame();
      if (middle.isConnected) found.jump = Math.max(found.jump, Math.abs(middle.getBoundingClientRect().top - at));
      const rows = [...scroll.querySelectorAll("[data-row]")];
      found.rows = Math.max(found.rows, rows.length);
      for (const row of rows) found.ids.add(row.dataset.id);
    }
    return { rows: found.rows, jump: found.jump, count: found.ids.size };
  });
  assert.equal(seen.count, 151);
  assert.ok(seen.rows <= 160 && seen.jump <= 2, JSON.stringify(seen));
  await jun.person.call("POST", `/rooms/${jun.room}/messages`, { cid: "now", text: "said now" });
  await sora.page.locator("#latest", { hasText: sora.t("room.latest.new", { count: 1, n: 1 }).replace(/\{.*?\}/, "").slice(0, 3) }).waitFor();
  await sora.page.locator("#latest").click();
  await sees(sora, "said now");
  if (stage.given.pictures) {
    const { language, width } = stage.given;
    await sora.page.screenshot({ path: join(stage.given.pictures, `room-${language}-${width}.png`) });
  }
  sora.assertQuiet();
}

export async function misses_nothing_that_is_said_while_a_thread_is_on_its_way(stage) {
  const [sora, jun] = await talk(stage, "Sora", "Jun");
  const say = (text, replyTo) => jun.person.call("POST", `/rooms/${jun.room}/messages`, { cid: text, text, reply_to: replyTo });
  const root = await say("the beginning");
  const early = await say("an early answer", root.id);
  await say("beside the thread");
  await comeIn(sora);
  await sees(sora, "beside the thread");
  let [asked, sent] = [null, null];
  const [question, leave] = [new Promise((resolve) => (asked = resolve)), new Promise((resolve) => (sent = resolve))];
  await sora.page.route("**/thread?*", async (route) => {
    const response = await route.fetch(); // as it is before anything else is said
    asked();
    await leave;
    await route.fulfill({ response });
  });
  await choose(sora, "the beginning", "thread");
  await question;
  await say("a late answer", root.id);
  await jun.person.call("PATCH", `/messages/${early.id}`, { cid: "edit", text: "an answer that was changed", rev: 1 });
  await say("outside the thread");
  await sees(sora, "outside the thread"); // events come in their order: the page had all of them
  assert.equal(await sora.page.locator("#side .message").count(), 0, "the thread is still on its way");
  sent();
  const thread = async () => (await sora.page.locator("#side .message .message-text").allInnerTexts()).map((text) => text.split(" (")[0]); // without "(edited)"
  await sora.page.locator("#side .message", { hasText: "a late answer" }).waitFor();
  assert.deepEqual(await thread(), ["the beginning", "an answer that was changed", "a late answer"]);
  await say("the last answer", root.id);
  await sora.page.locator("#side .message", { hasText: "the last answer" }).waitFor();
  assert.deepEqual((await thread()).slice(2), ["a late answer", "the last answer"]);
  for (const browser of [sora, jun]) browser.assertQuiet();
}
