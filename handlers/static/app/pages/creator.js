import { contentCard, followButton } from "../cards.js";
import { client } from "../client.js";
import { $, avatar, el, icon, webAddress } from "../dom.js";
import { inbox } from "../inbox.js";
import { PagedList, emptyBox } from "../lists.js";
import { partyCard } from "../party/card.js";
import { problemBox } from "../problems.js";
import { counted, t } from "../texts.js";

const PLATFORMS = { youtube: "YouTube", x: "X", instagram: "Instagram" };

const id = location.pathname.split("/")[2];
const box = $("#creator");
const list = new PagedList($("#list"), {
  class: "cards",
  load: (cursor, signal) => client.request("GET", `/creators/${id}/videos`, null, { query: { cursor, limit: 24 }, signal }),
  draw: (item) => contentCard(item, { withCreator: false }),
  empty: () => emptyBox("creator.empty.title", "creator.empty.text"),
});

async function show() {
  try {
    const { data: creator } = await client.request("GET", `/creators/${id}`);
    document.title = document.title.replace(t("creators.title"), creator.name);
    box.replaceChildren(head(creator));
    list.reload();
    showCommunity();
    showParties();
  } catch (error) {
    $("#latest").hidden = true;
    $("#list").replaceChildren();
    if (error.code === "NOT_FOUND") {
      document.title = document.title.replace(t("creators.title"), t("notFound.title"));
      box.replaceChildren(emptyBox("notFound.title", "problem.notFound", { level: "h1" }));
    } else box.replaceChildren(problemBox(error, () => location.reload()));
  } finally {
    box.removeAttribute("aria-busy");
  }
}

/** The creator's fans talk there; a community opens with the first follower. */
async function showCommunity() {
  if (!client.user) return;
  const { data } = await client.request("GET", "/communities", null, { query: { creator_id: id } }).catch(() => ({ data: [] }));
  for (const community of data.slice(0, 1)) {
    const link = el("a", { class: "button quiet community-link", href: `/communities/${community.id}` }, icon("talk"), t("community.open"));
    $(".creator-head .follow", box)?.before(link);
  }
}

/** Who watches this creator together now; nothing where nobody does. */
async function showParties() {
  if (!client.user) return;
  const { data } = await client.request("GET", "/watch-parties", null, { query: { creator_id: id, live: true, limit: 6 } }).catch(() => ({ data: [] }));
  $("#parties").hidden = !data.length;
  $("#parties-list").replaceChildren(...data.map(partyCard));
}

function head(creator) {
  const count = el("p", { class: "muted" });
  const draw = () => (count.textContent = counted("creator.followers", creator.subscriber_count));
  draw();
  const channels = (creator.channels ?? []).filter(({ url }) => webAddress(url));
  return el(
    "div",
    { class: "creator-head" },
    avatar(creator.name, creator.avatar_url, "big"),
    el(
      "div",
      { class: "grow" },
      el("h1", {}, creator.name),
      count,
      creator.description && el("p", { class: "description" }, creator.description),
      channels.length > 0 &&
        el(
          "ul",
          { class: "channels", "aria-label": t("creator.channels") },
          ...channels.map(({ platform, handle, url }) =>
            el("li", {}, el("a", { href: webAddress(url), target: "_blank", rel: "noopener noreferrer" }, icon("out"), PLATFORMS[platform] ?? platform, handle && el("span", { class: "muted" }, ` @${handle}`), el("span", { class: "visually-hidden" }, ` (${t("card.newTab")})`))),
          ),
        ),
    ),
    followButton(creator, draw),
  );
}

inbox.addEventListener("arrival", ({ detail }) => {
  if (String(detail.data.creator_id) === id) list.reload();
});

show();
