// Addresses that lead elsewhere or nowhere, and what stands before those who may not: everybody finds the way on.
import assert from "node:assert/strict";
import { REFUSED } from "./browser.mjs";
import { comeIn, sees, talk, write } from "./rooms.mjs";

export async function comes_to_a_room_by_a_wrong_address(stage) {
  const [sora] = await talk(stage, "Sora");
  const [jun] = await talk(stage, "Jun"); // of another creator
  await comeIn(sora);
  await write(sora, "over here");
  await sees(sora, "over here");
  const { id: discussion } = await sora.person.call("POST", `/communities/${sora.community}/discussions`, { cid: "d", title: "A question", text: "What is it?" });

  await sora.page.goto(`/communities/${jun.community}/rooms/${sora.room}?message=1`);
  await sora.page.waitForURL(`**${sora.path}?message=1`);
  await sees(sora, "over here");
  assert.equal(await sora.page.locator("#room-name").textContent(), sora.t("room.first"));
  await sora.page.goto(`/communities/${jun.community}/discussions/${discussion}`);
  await sora.page.waitForURL(`**/communities/${sora.community}/discussions/${discussion}`);
  await sora.page.getByRole("heading", { name: "A question" }).waitFor();

  sora.expected.push(REFUSED);
  await sora.page.goto(`/communities/${sora.community}/rooms/987654321`);
  await sora.page.getByRole("heading", { name: sora.t("room.none") }).waitFor();
  assert.equal(await sora.page.getByText(sora.t("room.state.joining")).isVisible(), false);
  await sora.page.getByRole("main").getByRole("link", { name: sora.t("room.back") }).click();
  await sora.page.waitForURL(`**/communities/${sora.community}`);
  sora.assertQuiet();
}

export async function decides_nothing_of_their_own(stage) {
  const [mo, jun] = await talk(stage, "Mo", "Jun");
  await stage.ask("appoint", mo.community, mo.person.user.id, 3);
  const report = async (whose, who, text) => {
    const said = await whose.person.call("POST", `/rooms/${mo.room}/messages`, { cid: text, text });
    await who.person.call("POST", `/messages/${said.id}/reports`, { cid: text, reason: "rude" });
  };
  await report(mo, jun, "said by Mo");
  await report(jun, mo, "said by Jun");
  await mo.page.goto(`/communities/${mo.community}/desk`);
  await mo.page.locator("[data-kind=report]").click();
  const item = (text) => mo.page.locator(".desk-item", { hasText: text });
  await item("said by Mo").getByText(mo.t("desk.own")).waitFor();
  for (const word of ["yes", "no"]) assert.ok(await item("said by Mo").getByRole("button", { name: mo.t(`desk.report.${word}`) }).isDisabled());
  await item("said by Jun").getByRole("button", { name: mo.t("desk.report.yes") }).click();
  await item("said by Jun").waitFor({ state: "detached" });
  await stage.ask("appoint", mo.community, mo.person.user.id, 5);
  await mo.page.reload();
  await mo.page.locator("[data-kind=report]").click();
  await item("said by Mo").getByRole("button", { name: mo.t("desk.report.yes") }).click();
  await item("said by Mo").waitFor({ state: "detached" });

  // a timeout and then a ban: one of them is told, and one note written
  const sanction = (kind, more) => mo.person.call("POST", `/rooms/${mo.room}/${kind}`, { user_id: jun.person.user.id, cid: kind, reason: "rude", ...more });
  await sanction("timeouts", { seconds: 600 });
  await sanction("bans", {});
  jun.expected.push(REFUSED);
  await jun.page.goto(`/communities/${mo.community}`);
  const { name } = await mo.person.call("GET", `/communities/${mo.community}`);
  await jun.page.getByRole("heading", { level: 1, name }).waitFor();
  assert.equal(await jun.page.getByLabel(jun.t("appeal.text")).count(), 1);
  assert.ok((await jun.page.title()).includes(name));
  mo.assertQuiet();
  jun.assertQuiet();
}
