/** @file Opening a party: which video, for whom, who steers, and when. */
import { client } from "../client.js";
import { ask, choice, field } from "../dialogs.js";
import { describe } from "../problems.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";
import { chooseVideo } from "./choose.js";

export const VISIBILITIES = ["public", "community", "invite"];
export const WHO = ["host", "cohosts", "everyone"];

export const visibilityChoice = () => choice("visibility", t("open.visibility"), VISIBILITIES.map((word) => [word, t(`open.visibility.${word}`)]));
export const whoChoice = (name) => choice(name, t(`open.${name}`), WHO.map((word) => [word, t(`open.who.${word}`)]));

/** What a party may show: all but posts. */
export const isVideo = (content) => content.kind !== "post";

/** Asks about a party for `content`, or which video first; opens it and goes there. */
export async function openParty(content = null) {
  const video = content ?? (await chooseVideo(t("parties.open"), null, { withAddress: true }));
  if (!video) return;
  const answer = await ask({
    title: t("open.title"),
    text: video.title ?? video.url,
    fields: [
      field("title", t("open.name"), { maxlength: 150, placeholder: video.title?.slice(0, 150) ?? t("open.asVideo") }),
      visibilityChoice(),
      whoChoice("control"),
      field("starts", t("open.starts"), { type: "datetime-local", min: localMinute(Date.now()) }),
    ],
    submit: t("open.submit"),
  });
  if (!answer) return;
  try {
    const { data } = await client.request("POST", "/watch-parties", {
      ...(video.id ? { content_id: video.id } : { url: video.url }),
      visibility: answer.visibility,
      policy: { control: answer.control },
      ...(answer.title.trim() ? { title: answer.title.trim() } : {}),
      ...(answer.starts ? { starts_at: new Date(answer.starts).toISOString() } : {}),
    });
    location.assign(`/parties/${data.id}`);
  } catch (error) {
    toast({ text: describe(error, video.id ? "party" : "video"), kind: "bad" });
  }
}

/** A moment as `datetime-local` wants it: in this place's time, without seconds. */
export function localMinute(ms) {
  const here = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return here.toISOString().slice(0, 16);
}
