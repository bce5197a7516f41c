// What people write that stays: discussions, what moderators make of it, and what holds against somebody.
import assert from "node:assert/strict";
import { join } from "node:path";
import { Browser, REFUSED } from "./browser.mjs";
import { talk } from "./rooms.mjs";
import { until } from "./stage.mjs";

/** The page fits its window; kept as a picture where somebody wants to look at it. */
async function look({ page, stage }, name) {
  const { pictures, language, width } = stage.given;
  if (pictures) await page.screenshot({ path: join(pictures, `${name}-${language}-${width}.png`), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
}

const press = (where, browser, key) => where.getByRole("button", { name: browser.t(key), exact: true }).click();

export async function decides_at_the_desk_and_discusses(stage) {
  const [mo, jun] = await talk(stage, "Mo", "Jun");
  await stage.ask("appoint", mo.community, mo.person.user.id, 4);
  const show = (name) => look(mo, name);
  const say = (text, cid) => jun.person.call("POST", `/rooms/${jun.room}/messages`, { cid, text });
  await say("https://first.example", "first");
  await mo.page.goto(`/communities/${mo.community}/desk`);
  await mo.page.locator(".desk-item", { hasText: "first.example" }).waitFor();
  await until(async () => (await mo.page.locator("[data-kind=held] .unread").textContent()) === "1", "the desk did not count");
  await say("https://second.example", "second"); // the desk is live
  await mo.page.locator(".desk-item", { hasText: "second.example" }).waitFor();
  await show("desk");
  await mo.page.keyboard.press("j");
  await mo.page.keyboard.press("a");
  await mo.page.locator(".desk-item", { hasText: "first.example" }).waitFor({ state: "detached" });
  await mo.page.keyboard.press("d");
  await mo.page.getByText(mo.t("desk.empty")).waitFor();
  const { events } = await jun.person.call("GET", `/rooms/${jun.room}/messages`);
  assert.deepEqual(events.map(({ data }) => data.text), ["https://first.example"]);

  await mo.page.goto(`/communities/${mo.community}`);
  await mo.page.locator("#begin").click();
  await mo.page.locator("dialog input[name=title]").fill("Which concert was the best?");
  await mo.page.locator("dialog textarea[name=text]").fill("Tell us.");
  await mo.page.locator("dialog button[type=submit]").click();
  await mo.page.waitForURL("**/discussions/*");
  await mo.page.locator("#comments-part").waitFor();
  await jun.page.goto(new URL(mo.page.url()).pathname);
  await jun.page.locator("#comment").fill("The last one");
  await jun.page.locator("#write button").click();
  await jun.page.locator(".comment", { hasText: "The last one" }).waitFor();
  await mo.page.locator("#fresh").click();
  await mo.page.locator(".comment", { hasText: "The last one" }).getByRole("button", { name: mo.t("discussion.up"), exact: true }).click();
  await until(async () => (await jun.page.locator(".comment .score").textContent()) === "1", "a vote was not seen");
  await show("discussion");
  const [, number] = mo.page.url().match(/discussions\/(\d+)$/);
  let meanwhile; // what is said after the comments were read, and before the page listens, is not in them
  await jun.page.route("**/discussions/*/comments?*", async (route) => {
    const read = await route.fetch();
    await (meanwhile ??= mo.person.call("POST", `/discussions/${number}/comments`, { cid: "meanwhile", text: "Just then" }));
    await route.fulfill({ response: read });
  });
  await jun.page.reload();
  await jun.page.locator("#fresh").click();
  await jun.page.locator(".comment", { hasText: "Just then" }).waitFor();
  await jun.page.unroute("**/discussions/*/comments?*");
  await mo.page.goto(`/communities/${mo.community}`);
  await mo.page.locator(".post-row", { hasText: "Which concert" }).waitFor();
  await show("community");

  await mo.page.getByRole("button", { name: mo.t("community.invite") }).click();
  await mo.page.locator("dialog button[type=submit]").click();
  const address = await mo.page.locator(".made").textContent();
  const guest = await (await Browser.open(stage)).enter("Guest");
  await guest.page.goto(new URL(address).pathname);
  await guest.page.getByRole("button", { name: guest.t("invite.accept") }).click();
  await guest.page.waitForURL(`**/communities/${mo.community}`);
  await guest.page.getByRole("button", { name: guest.t("community.leave") }).waitFor();
  await guest.page.goto("/search");
  await guest.page.locator("#q").fill("first.example");
  await guest.page.keyboard.press("Enter");
  await guest.page.locator(".hit").first().click();
  await guest.page.locator("#messages .message.marked", { hasText: "first.example" }).waitFor();
  for (const browser of [mo, jun, guest]) browser.assertQuiet();
}

export async function rewords_what_was_changed_elsewhere(stage) {
  const [sora, mo] = await talk(stage, "Sora", "Mo");
  await stage.ask("appoint", sora.community, mo.person.user.id, 4);
  await stage.ask("appoint", sora.community, sora.person.user.id, 2);
  const begun = await sora.person.call("POST", `/communities/${sora.community}/discussions`, { cid: "d", title: "Which song?", text: "Tell me." });
  const said = await sora.person.call("POST", `/discussions/${begun.id}/comments`, { cid: "c", text: `The first, says <@${mo.person.user.id}>` });
  const path = `/communities/${sora.community}/discussions/${begun.id}`;
  await mo.page.goto(path);
  await mo.page.locator(".comment", { hasText: "The first" }).waitFor();
  await sora.page.goto(path);
  const comment = sora.page.locator(`.comment[data-id="${said.id}"]`);
  await press(comment, sora, "message.edit");
  assert.equal(await comment.locator("textarea").inputValue(), "The first, says @Mo");
  await comment.locator("textarea").fill("The second, says @Mo");
  await press(comment, sora, "message.save");
  await mo.page.locator(".comment .mention", { hasText: "@Mo" }).waitFor();
  await mo.page.locator(".comment", { hasText: "The second" }).waitFor();

  await press(sora.page.locator("#discussion"), sora, "message.edit");
  sora.expected = [REFUSED]; // the first try to save
  await sora.page.locator("#discussion textarea").fill("Tell me, please.");
  await sora.person.call("PATCH", `/discussions/${begun.id}`, { cid: "e", title: "Which song, and why?", text: "Tell me all.", rev: 1 });
  await mo.page.getByRole("heading", { name: "Which song, and why?" }).waitFor();
  assert.equal(await sora.page.locator("#discussion textarea").inputValue(), "Tell me, please.", "what is being written stays");
  await press(sora.page.locator("#discussion"), sora, "message.save");
  await sora.page.locator(".conflict", { hasText: "Tell me all." }).waitFor();
  await look(sora, "conflict");
  await press(sora.page.locator("#discussion"), sora, "edit.conflict.theirs");
  assert.equal(await sora.page.locator("#discussion textarea").inputValue(), "Tell me all.");
  await sora.page.locator("#discussion textarea").fill("Tell me all, please.");
  await sora.page.locator(".rewording button[type=submit]").click();
  await mo.page.locator("#discussion", { hasText: "Tell me all, please." }).waitFor();
  await sora.page.locator("#discussion", { hasText: "Tell me all, please." }).waitFor();
  assert.equal(await sora.page.locator("#discussion h1").textContent(), "Which song, and why?");

  await press(mo.page.locator(".comment"), mo, "message.report");
  await mo.page.locator("dialog input[name=reason]").fill("off topic");
  await press(mo.page.locator("dialog"), mo, "message.report");
  await sora.page.getByText(sora.t("comment.hidden")).waitFor(); // a moderator's word weighs enough
  await look(sora, "hidden");
  await mo.page.goto(`/communities/${mo.community}/desk`);
  await mo.page.locator("[data-kind=report]").click();
  await mo.page.locator(".desk-item", { hasText: "The second" }).waitFor();
  await look(mo, "desk-reports");
  await mo.page.locator("[data-decide=yes]").click();
  await comment.filter({ hasText: "The second" }).waitFor();
  await press(comment, sora, "message.delete");
  await press(sora.page.locator("dialog"), sora, "message.delete");
  await sora.page.getByText(sora.t("comment.deleted")).waitFor();
  await press(sora.page.locator("#discussion"), sora, "message.delete");
  await press(sora.page.locator("dialog"), sora, "message.delete");
  await sora.page.locator("#discussion", { hasText: sora.t("discussion.deleted") }).waitFor();
  await look(sora, "deleted");
  for (const browser of [sora, mo]) browser.assertQuiet();
}

export async function is_held_let_through_and_put_out(stage) {
  const [mo, jun] = await talk(stage, "Mo", "Jun");
  await stage.ask("appoint", mo.community, mo.person.user.id, 4);
  const begun = await mo.person.call("POST", `/communities/${mo.community}/discussions`, { cid: "d", title: "Links", text: "of yours" });
  const path = `/communities/${jun.community}/discussions/${begun.id}`;
  await jun.page.goto(path);
  await jun.page.locator("#comment").fill("see https://first.example");
  await jun.page.locator("#write button").click();
  await jun.page.locator(".own-held", { hasText: jun.t("comment.held") }).waitFor();
  await look(jun, "held");
  await mo.page.goto(`/communities/${mo.community}/desk`);
  await mo.page.locator(".desk-item", { hasText: "first.example" }).waitFor();
  await look(mo, "desk-held");
  await mo.page.locator("[data-decide=yes]").click();
  await jun.page.locator(".comment:not(.own-held)", { hasText: "first.example" }).waitFor();
  assert.equal(await jun.page.locator(".own-held").count(), 0);
  await until(async () => (await jun.person.inbox()).some(({ data }) => data.url === `${path}?comment=` + data.url.split("=").at(-1)), "Jun was not told");

  const member = { user_id: jun.person.user.id };
  await mo.person.call("POST", `/rooms/${jun.room}/timeouts`, { ...member, seconds: 86400, reason: "links again", cid: "t" });
  await jun.page.goto(path);
  await jun.page.locator(".sanctioned", { hasText: "links again" }).waitFor();
  assert.ok(await jun.page.locator("#write").isHidden());
  assert.equal(await jun.page.locator(".sanctioned a").getAttribute("href"), `/communities/${jun.community}#appeal`);
  await look(jun, "timeout");
  await mo.person.call("POST", `/rooms/${jun.room}/bans`, { ...member, reason: "enough", cid: "b" });
  jun.expected = [REFUSED];
  await jun.page.goto(path);
  await jun.page.locator(".sanctioned", { hasText: "enough" }).waitFor();
  await look(jun, "banned");
  for (const browser of [mo, jun]) browser.assertQuiet();
}
