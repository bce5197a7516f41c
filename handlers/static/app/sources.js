/** @file What somebody wrote into the box for channels. The server decides; this guesses what was meant. */

const ELSEWHERE = new Set([
  "bsky.app",
  "chzzk.naver.com",
  "facebook.com",
  "instagram.com",
  "kick.com",
  "sooplive.co.kr",
  "sooplive.com",
  "threads.com",
  "threads.net",
  "tiktok.com",
  "twitch.tv",
  "twitter.com",
  "vimeo.com",
  "x.com",
]);
const YOUTUBE = /^(youtube\.com|youtu\.be|youtube-nocookie\.com)$/;
const CHANNEL_ID = /^UC[\w-]{22}$/;
/** Letters and digits of any script and the signs that a handle may hold; 60 is the server's bound. */
const WORD = /^[\p{L}\p{M}\p{N}_.·・-]{1,60}$/u;

/** Whether `text` is an address on a platform that is known and not followed yet. */
export const onOtherPlatform = (text) => ELSEWHERE.has(host(text));

/** Whether `text` may be somebody's name: no address, no handle, no channel id. */
export const mayBeName = (text) => text !== "" && !/[@/]/.test(text) && !CHANNEL_ID.test(text) && !YOUTUBE.test(host(text));

/** `text` as it is sent: a single word is taken for a handle. */
export const asSource = (text) => (mayBeName(text) && WORD.test(text) ? "@" + text : text);

/** Two spellings of one name: case, composition and blanks at the ends do not count. */
export const sameName = (one, other) => plain(one) === plain(other);

const plain = (name) => name.normalize("NFC").trim().toLowerCase();

/** The host of an address, with or without `https://`, less `www.` and `m.`; "" where `text` is none. */
function host(text) {
  const [, found = ""] = /^(?:https?:\/\/)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[:/?#]|$)/i.exec(text.trim()) ?? [];
  return found.toLowerCase().replace(/^(www|m|mobile)\./, "");
}
