/** @file Which player shows a content, and the sound of it, which is everybody's own. */
import { client } from "../client.js";
import { el, webAddress } from "../dom.js";
import { YouTubeFrame } from "./frame.js";

const VIDEO_ID = /^[\w-]{6,20}$/;

/** The id in an address of YouTube's; `null` for another. */
export function youtubeId(address) {
  const url = webAddress(address) && new URL(address);
  if (!url) return null;
  const [, first, second] = url.pathname.split("/");
  const id = url.hostname === "youtu.be" ? first : ["shorts", "live", "embed"].includes(first) ? second : url.searchParams.get("v");
  return VIDEO_ID.test(id ?? "") ? id : null;
}

/**
 * @typedef {object} Shown
 * @property {import("../../mypick/party/html5.js").Player} player
 * @property {{muted: boolean, volume: number}} sound may be set
 * @property {() => number | null} length ms
 * @property {() => void} close
 */

/** Puts a player for `content` into `box`. @returns {Promise<Shown | null>} `null` where nothing here can play it */
export async function makePlayer(box, content, onError) {
  const address = webAddress(content.url);
  if (content.platform === "youtube") {
    const id = youtubeId(content.url);
    if (!id) return null;
    try {
      const frame = await YouTubeFrame.open(box, { id, title: content.title });
      frame.addEventListener("onError", onError);
      return shownFrame(frame, client.youtubePlayer(frame));
    } catch {
      box.replaceChildren();
      return null;
    }
  }
  if (content.platform !== "file" || !address) return null;
  const video = el("video", { playsinline: true, preload: "auto", disableremoteplayback: true, "aria-label": content.title });
  video.addEventListener("error", onError);
  video.src = address;
  box.append(video);
  return {
    player: client.html5Player(video),
    get sound() {
      return { muted: video.muted, volume: video.volume };
    },
    set sound({ muted, volume }) {
      Object.assign(video, { muted, volume });
    },
    length: () => (Number.isFinite(video.duration) ? Math.round(video.duration * 1000) : null),
    close: () => {
      video.removeEventListener("error", onError);
      video.removeAttribute("src");
      video.load();
      video.remove();
    },
  };
}

const shownFrame = (frame, player) => ({
  player,
  get sound() {
    return frame.sound;
  },
  set sound(sound) {
    frame.sound = sound;
  },
  length: () => (frame.getDuration() > 0 ? Math.round(frame.getDuration() * 1000) : null),
  close: () => frame.destroy(),
});
