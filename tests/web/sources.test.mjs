// What is made of the text in the box for channels.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asSource, mayBeName, onOtherPlatform, sameName } from "../../handlers/static/app/sources.js";

const ID = "UC" + "a".repeat(22);

test("a single word is sent as a handle, in any script", () => {
  for (const word of ["slowtrailjun", "haneul.kitchen", "느린길", "a_b-c"]) assert.equal(asSource(word), "@" + word);
});

test("addresses, handles, ids and sentences are sent as they were written", () => {
  for (const text of ["@word", ID, "https://www.youtube.com/@word", "youtube.com/c/Word", "youtube.com", "youtu.be", "two words", ""]) {
    assert.equal(asSource(text), text);
  }
});

test("only what is no address, handle or id may be a name", () => {
  for (const text of ["Ink and Altitude", "느린길 준", "word"]) assert.ok(mayBeName(text), text);
  for (const text of ["@word", ID, "https://www.youtube.com/watch?v=a", "youtu.be/abc", ""]) assert.ok(!mayBeName(text), text);
});

test("an address on another platform is known as one", () => {
  for (const text of ["twitch.tv", "https://www.twitch.tv/somebody", "x.com/somebody", "HTTPS://M.Facebook.com:443/a", "instagram.com?hl=ko"]) {
    assert.ok(onOtherPlatform(text), text);
  }
  for (const text of ["https://www.youtube.com/redirect?q=https://x.com/", "max.com", "x.community", "twitchtv", "somebody on x.com", "@x.com"]) {
    assert.ok(!onOtherPlatform(text), text);
  }
});

test("names are the same whatever their case, composition and outer blanks", () => {
  assert.ok(sameName(" ink and ALTITUDE ", "Ink and Altitude"));
  assert.ok(sameName("느린길 준".normalize("NFD"), "느린길 준"));
  assert.ok(!sameName("느린길", "느린길 준"));
});
