/** @file A party as a card, and the promise to come to one that has not begun. */
import { client } from "../client.js";
import { avatar, el, icon, picture } from "../dom.js";
import { counted, dateTime, t, timeWithin } from "../texts.js";
import { attempt } from "./attempt.js";

/** @param {object} party as `GET /watch-parties` lists it */
export function partyCard(party) {
  const { content, host } = party;
  const soon = party.starts_at && Date.parse(party.starts_at) > Date.now();
  return el(
    "li",
    { class: "card party-card", data: { id: party.id } },
    el(
      "a",
      { class: "card-link", href: `/parties/${party.id}` },
      el("span", { class: "card-picture" }, icon("party"), picture(content?.image_url), badge(party, soon)),
      el("span", { class: "card-title" }, party.title),
    ),
    el(
      "div",
      { class: "card-foot" },
      host && avatar(host.name, host.avatar_url, "small"),
      el(
        "div",
        { class: "card-meta" },
        el("span", {}, host ? t("party.hostedBy", { name: host.name }) : t("message.gone")),
        el(
          "span",
          { class: "muted" },
          ...(soon ? [el("time", { datetime: party.starts_at, "data-fixed": true }, dateTime(party.starts_at))] : [counted("party.online", party.online)]),
          party.visibility !== "public" && ` · ${t(`open.visibility.${party.visibility}.short`)}`,
        ),
      ),
    ),
  );
}

function badge({ status, starts_at: starts, online }, soon) {
  if (soon) return el("span", { class: "badge upcoming" }, ...timeWithin("card.starts", starts));
  if (status === "playing" && online > 0) return el("span", { class: "badge live" }, t("party.status.playing"));
  return el("span", { class: "badge" }, t(`party.status.${status}`));
}

/** One that begins at a time: who says that they will come is reminded. */
export function soonCard(party) {
  const card = partyCard(party);
  card.append(attendButton(party));
  return card;
}

/** A switch: pressed means one will come. */
export function attendButton(party) {
  const button = el("button", { type: "button", class: "button small attend" });
  const draw = () => {
    button.setAttribute("aria-pressed", String(party.attends));
    button.classList.toggle("quiet", party.attends);
    const count = party.attending > 0 && el("span", { class: "muted" }, t("party.attend.count", { count: party.attending }));
    button.replaceChildren(...[party.attends && icon("check"), t(party.attends ? "party.attending" : "party.attend")].filter(Boolean));
    said.replaceChildren(...[count].filter(Boolean));
  };
  const said = el("span");
  button.addEventListener("click", async () => {
    const answer = await attempt(() => client.request(party.attends ? "DELETE" : "POST", `/watch-parties/${party.id}/attendance`));
    if (!answer) return;
    Object.assign(party, answer.data);
    draw();
  });
  draw();
  return el("div", { class: "attend-line" }, button, said);
}
