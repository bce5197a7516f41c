// Rooms with people in them, each in a window: what scenes of communities begin with.
import { Browser } from "./browser.mjs";

/** A community with one room and people in it, each in a window on the room. */
export async function talk(stage, ...names) {
  const browsers = await Promise.all(names.map(async (name) => (await Browser.open(stage)).enter(name)));
  const channel = await stage.channel("talk", "Talk of the Town");
  const creator = await browsers[0].person.follow(channel);
  const [community] = await browsers[0].person.call("GET", `/communities?creator_id=${creator.id}`);
  await Promise.all(browsers.map(({ person }) => person.call("POST", `/communities/${community.id}/members/me`)));
  const { rooms } = await browsers[0].person.call("GET", `/communities/${community.id}`);
  const path = `/communities/${community.id}/rooms/${rooms[0].id}`;
  for (const browser of browsers) Object.assign(browser, { room: rooms[0].id, community: community.id, path });
  return browsers;
}

export async function comeIn(...browsers) {
  await Promise.all(
    browsers.map(async ({ page, path }) => {
      await page.goto(path);
      await page.locator("#online").waitFor();
      await page.evaluate(() => (globalThis.sameDocument = true));
    }),
  );
}

export async function write(browser, text) {
  await browser.page.locator("#composer-text").fill(text);
  await browser.page.locator("#composer .send").click();
}

export const row = ({ page }, text) => page.locator("#messages .message", { hasText: text }).first();
export const sees = (browser, text) => row(browser, text).waitFor();
