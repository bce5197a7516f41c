/** @file What the host decides: the party's name, who may come and steer, and its end. */
import { client } from "../client.js";
import { ask, check, field } from "../dialogs.js";
import { el } from "../dom.js";
import { t } from "../texts.js";
import { attempt } from "./attempt.js";
import { localMinute, visibilityChoice, whoChoice } from "./open.js";

export async function changeParty(party) {
  const visibility = visibilityChoice();
  const [control, queue, invite] = ["control", "queue", "invite"].map(whoChoice);
  const starts = field("starts", t("open.starts"), { type: "datetime-local", value: party.starts_at ? localMinute(Date.parse(party.starts_at)) : "" });
  for (const [box, value] of [[visibility, party.visibility], [control, party.policy.control], [queue, party.policy.queue], [invite, party.policy.invite]]) box.querySelector("select").value = value;
  let over = false;
  const end = el("button", { type: "button", class: "button quiet danger small", data: { do: "party.end" } }, t("party.end"));
  end.addEventListener("click", () => {
    over = true;
    end.closest("dialog").close();
  });
  const answer = await ask({
    title: t("party.settings.title"),
    fields: [field("title", t("open.name"), { maxlength: 150, required: true, value: party.title }), visibility, control, queue, invite, check("autoplay", t("open.autoplay"), party.autoplay ?? true), starts, end],
    submit: t("message.save"),
  });
  if (over) return endParty(party);
  if (!answer) return;
  const startsAt = answer.starts ? new Date(answer.starts).toISOString() : null;
  const changes = {
    title: answer.title.trim(),
    visibility: answer.visibility,
    policy: { control: answer.control, queue: answer.queue, invite: answer.invite },
    autoplay: "autoplay" in answer,
    ...(startsAt !== (party.starts_at ? new Date(party.starts_at).toISOString() : null) ? { starts_at: startsAt } : {}),
  };
  await attempt(() => client.request("PATCH", `/watch-parties/${party.id}`, changes), t("party.settings.saved"));
}

async function endParty(party) {
  const sure = await ask({ title: t("party.end.title"), text: t("party.end.text"), submit: t("party.end"), danger: true });
  if (sure) await attempt(() => client.request("POST", `/watch-parties/${party.id}/end`));
}
