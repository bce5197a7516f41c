// The small markdown in Chromium, on a page without any policy that would save it: nothing may run, no address but http(s).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chromium } from "playwright-core";

const script = readFileSync(new URL("../../handlers/static/app/markdown.js", import.meta.url), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage();
await page.route("http://page.example/**", (route) =>
  route.request().url().endsWith(".js")
    ? route.fulfill({ contentType: "text/javascript", body: script })
    : route.fulfill({ contentType: "text/html", body: "<!doctype html><div id=box></div>" }),
);
await page.goto("http://page.example/");
await page.evaluate(async () => {
  globalThis.ran = [];
  globalThis.alert = globalThis.prompt = globalThis.confirm = (what) => ran.push(String(what));
  globalThis.rule = await import("/markdown.js");
});
test.after(() => browser.close());

const html = (text, mentions = []) =>
  page.evaluate(
    ([text, mentions]) => {
      const box = document.getElementById("box");
      box.replaceChildren(rule.renderText(text, mentions, { spoiler: "spoiler" }));
      return box.innerHTML;
    },
    [text, mentions],
  );
const link = (href, host, rest = "") =>
  `<a class="link" href="${href}" rel="noopener noreferrer nofollow ugc" target="_blank"><span class="host">${host}</span>${rest}</a>`;

for (const [text, wanted] of [
  ["hello\nyou", "hello<br>you"],
  ["**bold** and *italic* and _italic_", "<strong>bold</strong> and <em>italic</em> and <em>italic</em>"],
  ["~~no~~ `a*b*c`", "<s>no</s> <code>a*b*c</code>"],
  ["**bold *both* bold**", "<strong>bold <em>both</em> bold</strong>"],
  ["*italic **both***", "<em>italic <strong>both</strong></em>"],
  ["```\n**as it is**\n```", "<pre><code>**as it is**</code></pre>"],
  ["```not closed", "```not closed"],
  ["> said\n> twice\nanswer", "<blockquote>said<br>twice</blockquote>answer"],
  ["2 * 3 * 4 and snake_case_name and 5 ** 2", "2 * 3 * 4 and snake_case_name and 5 ** 2"],
  ["see https://Example.com/a_b_(c)?x=1.", `see ${link("https://example.com/a_b_(c)?x=1", "example.com", "/a_b_(c)?x=1")}.`],
  ["http://example.com", link("http://example.com/", "example.com")],
  ["https://bücher.example/", link("https://xn--bcher-kva.example/", "xn--bcher-kva.example")],
  ["https://bank.example@evil.example/", "https://bank.example@evil.example/"],
  ["[bank](https://evil.example)", `[bank](${link("https://evil.example/", "evil.example")})`],
  ["- one\n- two", "- one<br>- two"],
  ["&lt;b&gt; & <b>", "&amp;lt;b&amp;gt; &amp; &lt;b&gt;"],
]) {
  test(`shows ${JSON.stringify(text)}`, async () => assert.equal(await html(text), wanted));
}

test("mentions are named, and a name is text", async () => {
  const shown = await html("<@17> <@18>", [{ id: 17, name: "<img src=x onerror=alert(1)>" }]);
  assert.equal(shown, '<span class="mention">@&lt;img src=x onerror=alert(1)&gt;</span> <span class="mention">@…</span>');
});

test("a spoiler opens with the keyboard and is closed before", async () => {
  await html("||the end||");
  const text = page.locator(".spoiler-text");
  assert.equal(await text.isVisible(), false);
  await page.locator(".spoiler-open").focus();
  await page.keyboard.press("Enter");
  assert.equal(await text.isVisible(), true);
  assert.equal(await page.locator(".spoiler-open").getAttribute("aria-expanded"), "true");
});

const ATTACKS = [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<svg><script>alert(1)</script></svg>",
  "<iframe srcdoc='<script>parent.alert(1)</script>'>", "<a href=javascript:alert(1)>x</a>", "<math><mtext></mtext><style><img src=x onerror=alert(1)>",
  "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>", "<body onload=alert(1)>", "<input autofocus onfocus=alert(1)>",
  "<form action=javascript:alert(1)><button>", "<object data=javascript:alert(1)>", "<embed src=javascript:alert(1)>", "<base href=javascript:alert(1)//>",
  "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>", "<link rel=stylesheet href=javascript:alert(1)>", "<template><script>alert(1)</script>",
  "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;img src=x onerror=alert(1)&#62;", "\u003cimg src=x onerror=alert(1)\u003e", "＜script＞alert(1)＜/script＞",
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
  "vbscript:alert(1)", "https://x.example/\"onmouseover=\"alert(1)", "https://x.example/'onmouseover='alert(1)", "https://x.example/><img src=x onerror=alert(1)>",
  "https:javascript:alert(1)", "https://javascript:alert(1)", "http://javascript:alert(1)@x.example", "https://x.example/javascript:alert(1)", "https:\\\\x.example",
  "[x](javascript:alert(1))", "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)", "![x](javascript:alert(1))", "![x\"onerror=\"alert(1)](https://x.example/a.png)",
  "[x]: javascript:alert(1)", "<javascript:alert(1)>", "<https://x.example/>", "<@1><img src=x onerror=alert(1)>", "<@1\" onclick=\"alert(1)>", "`<img src=x onerror=alert(1)>`",
  "```html\n<img src=x onerror=alert(1)>\n```", "> <img src=x onerror=alert(1)>", "||<img src=x onerror=alert(1)>||", "https://x.example/`onerror=alert(1)`",
  "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "<style>@import 'javascript:alert(1)'</style>", "<xss style=animation-name:x onanimationend=alert(1)>",
  "http://[::1]/\u2028alert(1)", "https://x.example/%00javascript:alert(1)", "https://\u202Emoc.elpmaxe/", "blob:https://x.example/a", "filesystem:https://x.example/a",
  "file:///etc/passwd", "ftp://x.example/", "intent://x#Intent;scheme=javascript;end", "view-source:https://x.example", "//x.example/a", "https://\u0000x.example",
];
const WRAPS = ["{}", "**{}**", "*{}*", "_{}_", "~~{}~~", "||{}||", "`{}`", "```{}```", "> {}", "[a]({})", "**_~~||{}||~~_**", "{}{}", "<@17>{}", "https://{}", "\"{}\"", "x {}\n{}"];

test("nothing that is written runs, and no address but http(s) is made", async () => {
  const texts = ATTACKS.flatMap((attack) => WRAPS.map((wrap) => wrap.replaceAll("{}", () => attack)));
  const wrong = await page.evaluate((texts) => {
    const box = document.getElementById("box");
    const allowed = new Set(["STRONG", "EM", "S", "CODE", "PRE", "BLOCKQUOTE", "BR", "SPAN", "A", "BUTTON"]);
    return texts.filter((text) => {
      box.replaceChildren(rule.renderText(text, [{ id: 17, name: text }]));
      const all = [...box.querySelectorAll("*")];
      for (const element of all) {
        for (const kind of ["mouseover", "focus", "animationend", "toggle", "error", "load"]) element.dispatchEvent(new Event(kind));
      }
      return all.some(
        (one) =>
          !allowed.has(one.tagName) ||
          one.getAttributeNames().some((name) => /^on|^style$|^src|^action$|^data$/.test(name)) ||
          (one.hasAttribute("href") && (one.tagName !== "A" || !/^https?:$/.test(one.protocol))),
      );
    });
  }, texts);
  assert.deepEqual(wrong, []);
  await page.waitForFunction(() => new Promise((done) => setTimeout(() => done(true), 50))); // what waits for a task
  assert.deepEqual(await page.evaluate(() => ran), []);
  assert.equal(page.url(), "http://page.example/");
  console.log(`${texts.length} texts, none ran`);
});

test("hostile texts take no long", async () => {
  const texts = ["*", "**", "_a", "||", "~~", "`", "```", "> ", "https://", "<@1>", "*a_b**", "[", "\n"].map((sign) => sign.repeat(Math.floor(2000 / sign.length)));
  const slowest = await page.evaluate(
    (texts) =>
      Math.max(
        ...texts.map((text) => {
          const start = performance.now();
          rule.renderText(text);
          return performance.now() - start;
        }),
      ),
    texts,
  );
  assert.ok(slowest < 200, `${slowest} ms`);
});
