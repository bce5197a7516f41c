// People with a browser: Chromium against a whole MyPick. Words are those of the locales, in `stage.given.language`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PASSWORD, until } from "./stage.mjs";

/** What Chromium says by itself of a server that is away; only scenes that send it away may see it. */
export const AWAY = /net::ERR_|WebSocket connection to/;
/** What it says of an answer that the page handles; only scenes that make mistakes may see it. */
export const REFUSED = /the server responded with a status of 4\d\d/;

const texts = Object.fromEntries(["en", "ko"].map((code) => [code, JSON.parse(readFileSync(new URL(`../../handlers/locales/${code}.json`, import.meta.url)))]));

/** One browser of its own: cookies, storage, language, width. `problems` is what its console says that it should not. */
export class Browser {
  problems = [];
  expected = [];

  static async open(stage, options = {}) {
    const { chromium: executablePath, language, width, url = stage.url } = { ...stage.given, ...options };
    if (!stage.chromium) {
      stage.chromium = chromium.launch({ executablePath, args: ["--no-sandbox"] });
      stage.atEnd(async () => (await stage.chromium).close());
    }
    const browser = new Browser();
    browser.stage = stage;
    browser.language = language;
    browser.context = await (await stage.chromium).newContext({
      baseURL: url,
      locale: language === "ko" ? "ko-KR" : "en-US",
      viewport: { width, height: 800 },
      hasTouch: width < 500,
    });
    browser.context.setDefaultTimeout(20_000);
    browser.page = await browser.tab();
    return browser;
  }

  async tab() {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.problems.push(`error: ${error.stack}`));
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      this.problems.push(`${message.type()}: ${message.text()} ${message.location().url}`);
    });
    return page;
  }

  /** The words of the page's language. */
  t(key, values = {}) {
    const text = texts[this.language][key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    assert.ok(!text.includes("{"), text);
    return text;
  }

  async signUp(name = "Sora") {
    this.email = this.stage.email("someone");
    await this.page.goto("/sign-up");
    await this.page.getByLabel(this.t("field.name"), { exact: true }).fill(name);
    await this.page.getByLabel(this.t("field.email"), { exact: true }).fill(this.email);
    await this.page.getByLabel(this.t("field.password"), { exact: true }).fill(PASSWORD);
    await this.page.getByRole("main").getByRole("button", { name: this.t("signUp.submit") }).click();
    await this.page.waitForURL("**/creators");
  }

  /** Somebody with an account, signed in before the first page. */
  async enter(name) {
    const person = await this.stage.person(name);
    const { user, access_token, refresh_token, expires_in } = person.session;
    const session = { user, access_token, refresh_token, expires_at: Date.now() + expires_in * 1000, life_ms: expires_in * 1000 };
    await this.context.addInitScript((kept) => {
      if (localStorage.getItem("mypick.session") === null) localStorage.setItem("mypick.session", kept);
    }, JSON.stringify(session));
    return Object.assign(this, { person, email: person.email });
  }

  async signIn(email, password = PASSWORD) {
    await this.page.getByLabel(this.t("field.email"), { exact: true }).fill(email);
    await this.page.getByLabel(this.t("field.password"), { exact: true }).fill(password);
    await this.page.getByRole("main").getByRole("button", { name: this.t("signIn.submit") }).click();
  }

  async followBySource(source) {
    await this.page.getByLabel(this.t("creators.add.label")).fill(source);
    await this.page.locator("#add").getByRole("button", { name: this.t("creators.add.submit") }).click();
  }

  /** Follows a new channel, with the socket open: what is published from now on rings. */
  async followNew(title) {
    const channel = await this.stage.channel("watched", title);
    await this.followBySource("@" + channel.handle);
    await this.page.getByText(this.t("creators.add.done", { name: title })).first().waitFor();
    return channel;
  }

  /** Waits until the bell of `page` shows `count`. */
  async rings(count, page = this.page) {
    const label = count ? this.t("bell.label", { count }) : this.t("bell.labelNone");
    const button = page.locator("#bell-button");
    await until(async () => (await button.getAttribute("aria-label")) === label, () => `the bell did not show ${count}`);
    assert.equal(await page.locator("#bell-count").isVisible(), count > 0);
  }

  assertQuiet() {
    const left = this.problems.filter((problem) => !this.expected.some((pattern) => pattern.test(problem)));
    assert.deepEqual(left, []);
  }
}

export async function signs_up_follows_and_hears_the_bell(stage) {
  const browser = await Browser.open(stage);
  const { page } = browser;
  await browser.signUp();
  const channel = await browser.followNew("Morning Notes");
  await browser.rings(0);
  const second = await browser.tab();
  await second.goto("/feed");
  await second.getByText(browser.t("feed.empty.title")).waitFor();
  await page.evaluate(() => (globalThis.sameDocument = true));

  await stage.publish(channel, "First light over the marsh");
  await Promise.all([browser.rings(1), browser.rings(1, second)]);
  await second.locator(".card", { hasText: "First light over the marsh" }).waitFor();
  await stage.publish(channel, "새벽 두 번째 이야기");
  await Promise.all([browser.rings(2), browser.rings(2, second)]);
  assert.match(await page.title(), /^\(2\) /);

  await page.locator("#bell-button").click();
  const panel = page.locator("#bell-panel");
  await panel.getByText("First light over the marsh").waitFor();
  assert.deepEqual(await panel.locator(".notice-body").allTextContents(), ["새벽 두 번째 이야기", "First light over the marsh"]);
  await panel.getByRole("button", { name: browser.t("notifications.markAll") }).click();
  await Promise.all([browser.rings(0), browser.rings(0, second)]);
  assert.equal(await panel.locator(".notice.unread").count(), 0);
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  assert.ok(await page.evaluate(() => globalThis.sameDocument), "the page was loaded again");

  await page.goto("/settings");
  await page.getByRole("button", { name: browser.t("settings.logOut") }).click();
  await page.waitForURL(stage.url + "/");
  await second.waitForURL(stage.url + "/");
  await page.goto("/notifications");
  await page.waitForURL("**/sign-in?next=%2Fnotifications");
  await browser.signIn(browser.email);
  await page.waitForURL("**/notifications");
  await page.locator("#list .notice", { hasText: "First light over the marsh" }).waitFor();
  browser.assertQuiet();
}

export async function changes_the_language_and_it_stays(stage) {
  const browser = await Browser.open(stage);
  const other = browser.language === "en" ? "ko" : "en";
  await browser.signUp();
  await browser.page.goto("/settings");
  await until(() => browser.page.getByLabel(browser.t("settings.profile.timezone")).inputValue());
  await browser.page.getByLabel(browser.t("settings.profile.locale")).selectOption(other);
  const reloaded = browser.page.waitForEvent("load");
  await browser.page.locator("#profile-form").getByRole("button", { name: browser.t("settings.save") }).click();
  await reloaded;
  for (const path of ["/settings", "/creators"]) {
    await browser.page.goto(path);
    assert.equal(await browser.page.locator("html").getAttribute("lang"), other);
  }
  // It belongs to the person, not to the browser.
  const elsewhere = await Browser.open(stage);
  await elsewhere.page.goto("/sign-in");
  await elsewhere.signIn(browser.email);
  await elsewhere.page.waitForURL("**/feed");
  assert.equal(await elsewhere.page.locator("html").getAttribute("lang"), other);
  browser.assertQuiet();
  elsewhere.assertQuiet();
}

export async function ends_another_session_and_that_browser_is_told(stage) {
  const home = await Browser.open(stage);
  await home.signUp();
  const library = await Browser.open(stage);
  await library.page.goto("/sign-in");
  await library.signIn(home.email);
  await library.page.waitForURL("**/feed");
  await library.rings(0);
  await home.page.goto("/settings");
  const sessions = home.page.locator("#session-list .row");
  await until(async () => (await sessions.count()) === 2);
  await sessions.getByRole("button").click();
  await home.page.getByText(home.t("settings.sessions.ended")).first().waitFor();
  await until(async () => (await sessions.count()) === 1);
  library.expected = [REFUSED];
  await library.page.waitForURL("**/sign-in?**");
  await library.page.getByText(library.t("signIn.ended")).waitFor();
  home.assertQuiet();
  library.assertQuiet();
}

export async function is_told_what_is_wrong_and_what_to_do(stage) {
  const browser = await Browser.open(stage);
  const { page } = browser;
  browser.expected = [REFUSED];
  await page.goto("/sign-up");
  await page.getByRole("main").getByRole("button", { name: browser.t("signUp.submit") }).click();
  assert.equal(await page.getByText(browser.t("problem.field.required")).count(), 3);
  assert.equal(await page.evaluate(() => document.activeElement.name), "display_name");
  await browser.signUp();

  await browser.followBySource("what is this");
  await page.getByText(browser.t("problem.source.invalid")).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.name), "source");
  await browser.followBySource("@nobody-has-this-handle");
  await page.getByText(browser.t("problem.source.notFound")).waitFor();

  const stranger = await Browser.open(stage);
  stranger.expected = [REFUSED];
  await stranger.page.goto("/sign-in");
  await stranger.signIn(browser.email, "not the password");
  await stranger.page.getByRole("alert").getByText(stranger.t("problem.login.wrong")).waitFor();
  await stranger.page.goto("/sign-up");
  await stranger.page.getByLabel(stranger.t("field.name"), { exact: true }).fill("Again");
  await stranger.page.getByLabel(stranger.t("field.email"), { exact: true }).fill(browser.email);
  await stranger.page.getByLabel(stranger.t("field.password"), { exact: true }).fill(PASSWORD);
  await stranger.page.getByRole("main").getByRole("button", { name: stranger.t("signUp.submit") }).click();
  await stranger.page.getByText(stranger.t("problem.register.taken")).waitFor();
  await stranger.page.goto("/creators/99999999");
  await stranger.page.getByText(stranger.t("problem.notFound")).waitFor();
  await stranger.page.goto("/no/such/page");
  await stranger.page.getByText(stranger.t("notFound.title")).waitFor();
  browser.assertQuiet();
  stranger.assertQuiet();
}

export async function signs_up_and_follows_by_keyboard_alone(stage) {
  const browser = await Browser.open(stage);
  const { page } = browser;
  const channel = await stage.channel("keys", "Keys Only");
  /** Tabs until the focus is on what `found` accepts; what has the focus must be seen. */
  const tabTo = async (found) => {
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press("Tab");
      const seen = await page.evaluate(() => {
        const { activeElement: at } = document;
        const { width, height } = at.getBoundingClientRect();
        return { id: at.id, text: at.textContent.trim(), tag: at.tagName, seen: width > 0 && height > 0 };
      });
      assert.ok(seen.seen, `the focus is on something that is not seen: ${JSON.stringify(seen)}`);
      if (found(seen)) return;
    }
    assert.fail(`40 tabs did not lead to ${found}`);
  };
  await page.goto("/");
  await tabTo(({ text }) => text === browser.t("home.start"));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/sign-up");
  await tabTo(({ id }) => id === "display_name");
  await page.keyboard.type("Keys");
  await tabTo(({ id }) => id === "email");
  await page.keyboard.type(stage.email("keys"));
  await tabTo(({ id }) => id === "password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/creators");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  await tabTo(({ id }) => id === "source");
  await page.keyboard.type("@" + channel.handle);
  await page.keyboard.press("Enter");
  await page.getByText(browser.t("creators.add.done", { name: "Keys Only" })).first().waitFor();
  await stage.publish(channel, "Typed, not clicked");
  await browser.rings(1);
  await tabTo(({ id }) => id === "bell-button");
  await page.keyboard.press("Enter");
  await page.locator("#bell-panel").getByText("Typed, not clicked").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // mark all as read stands first in the panel
  await browser.rings(0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "bell-button");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.id), "bell-button");
  browser.assertQuiet();
}

export async function is_told_of_being_offline_and_catches_up(stage) {
  const browser = await Browser.open(stage);
  await browser.signUp();
  const channel = await browser.followNew("Through the Tunnel");
  await browser.rings(0);
  browser.expected = [AWAY];
  await browser.context.setOffline(true);
  await browser.page.getByText(browser.t("state.offline")).waitFor();
  await stage.publish(channel, "Said in the tunnel");
  await browser.followBySource("@" + channel.handle);
  await browser.page.locator("#add .form-error").getByText(browser.t("problem.offline")).waitFor();
  await browser.context.setOffline(false);
  await browser.page.locator("#banner").waitFor({ state: "hidden" });
  await browser.rings(1);
  browser.assertQuiet();
}

export async function comes_back_after_the_server_was_killed(stage) {
  const browser = await Browser.open(stage);
  await browser.signUp();
  const channel = await browser.followNew("Night Shift");
  await browser.page.goto("/feed");
  await browser.rings(0);
  await stage.publish(channel, "Before the cut");
  await browser.rings(1);
  await browser.page.evaluate(() => (globalThis.sameDocument = true));
  browser.expected = [AWAY];
  await stage.crash(async () => {
    await browser.page.getByText(browser.t("state.reconnecting")).waitFor();
    await stage.publish(channel, "Meanwhile");
  });
  await browser.rings(2);
  await browser.page.locator("#banner").waitFor({ state: "hidden" });
  await browser.page.locator(".card", { hasText: "Meanwhile" }).waitFor();
  await stage.publish(channel, "After");
  await browser.rings(3);
  assert.ok(await browser.page.evaluate(() => globalThis.sameDocument), "the page was loaded again");
  browser.assertQuiet();
}

export async function finds_every_page_whole(stage) {
  const browser = await Browser.open(stage);
  const { page } = browser;
  const show = async (name) => {
    for (const colorScheme of stage.given.pictures ? ["light", "dark"] : []) {
      await page.emulateMedia({ colorScheme });
      const path = join(stage.given.pictures, `${name}-${stage.given.language}-${stage.given.width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
  };
  for (const path of ["/", "/sign-up", "/sign-in", "/api/docs", "/api/docs/events"]) {
    await page.goto(path);
    await show(path === "/" ? "home" : path.slice(1).replaceAll("/", "-"));
  }
  await browser.signUp("하늘 Haneul");
  const channels = [];
  for (const title of ["하늘의 부엌", "Morning Field Notes", "A Channel Whose Name Goes On And On Beyond What Anybody Expects Of A Name"]) {
    channels.push(await browser.followNew(title));
  }
  const titles = ["된장찌개, 처음부터", "Sunrise over the salt marsh, uncut", "Averylongwordwithoutanyspacethatmustbreaksomewhereinthemiddleofitsomehow"];
  for (const [index, title] of titles.entries()) await stage.publish(channels[index], title);
  await stage.ask("go_live", channels[0].id, "지금 생방송: 김치 담그기");
  await browser.rings(4);
  if (stage.given.width < 500) {
    const [toast, header] = await page.evaluate(() => ["#toasts", ".top"].map((name) => document.querySelector(name).getBoundingClientRect().toJSON()));
    assert.ok(toast.height > 0 && toast.bottom <= header.bottom, `a toast lies over the list: ${toast.top} to ${toast.bottom}, the header ends at ${header.bottom}`);
  }
  await show("creators");
  await page.locator("#bell-button").click();
  await page.locator("#bell-panel .notice").nth(3).waitFor();
  assert.equal(await page.locator(".toast").count(), 0, "something lies over the list");
  await show("bell");
  for (const [path, awaited] of [["/feed", ".card"], ["/notifications", "#list .notice"], ["/settings", "#session-list .row"]]) {
    await page.goto(path);
    await page.locator(awaited).first().waitFor();
    await show(path.slice(1));
  }
  await page.goto("/creators");
  await page.locator(".creator-link", { hasText: "하늘의 부엌" }).first().click();
  await page.locator(".card").first().waitFor();
  await show("creator");
  browser.assertQuiet();
}
