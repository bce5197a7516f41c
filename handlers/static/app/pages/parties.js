import { client } from "../client.js";
import { $, announce, el } from "../dom.js";
import { keepFresh } from "../fresh.js";
import { inbox } from "../inbox.js";
import { PagedList, emptyBox } from "../lists.js";
import { partyCard, soonCard } from "../party/card.js";
import { openParty } from "../party/open.js";
import { counted, t, timeElement } from "../texts.js";

const list = (name, path, query, draw = partyCard, style = "cards") =>
  new PagedList($(`#${name}`), {
    class: style,
    load: (cursor, signal) => client.request("GET", path, null, { query: { ...query, cursor, limit: 12 }, signal }),
    draw,
    empty: () => emptyBox(`parties.${name}.empty.title`, `parties.${name}.empty.text`),
  });

/** Where one was, and how much was watched there; one that is over leads nowhere. */
function pastRow({ party, left_at: left, came_at: came, watched }) {
  const name = party.ended_at ? el("b", {}, party.title) : el("a", { href: `/parties/${party.id}` }, party.title);
  return el("li", { class: "row", data: { id: party.id } }, el("div", { class: "grow" }, name, el("div", { class: "muted" }, timeElement(left ?? came), " · ", counted("parties.past.things", watched), party.ended_at && ` · ${t("party.over")}`)));
}

$("#open").addEventListener("click", () => openParty());

if (client.user) {
  const live = list("live", "/watch-parties", { live: true });
  const soon = list("soon", "/watch-parties/upcoming", {}, soonCard);
  const mine = list("mine", "/watch-parties", { mine: true });
  const past = list("past", "/users/me/watch-parties", {}, pastRow, "rows box");
  for (const one of [live, soon, mine, past]) one.reload();
  const renew = async () => {
    const [begun, ...others] = await Promise.all([live, soon, mine].map((one) => one.renew()));
    if (begun?.length) announce(begun.length === 1 ? t("parties.begun", { title: begun[0].title }) : counted("parties.begun.many", begun.length));
    return [begun, ...others].every(Boolean);
  };
  keepFresh(renew);
  inbox.addEventListener("arrival", ({ detail }) => {
    if (detail.data.kind.startsWith("party-")) renew();
  });
}
