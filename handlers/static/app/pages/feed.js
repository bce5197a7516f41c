import { contentCard } from "../cards.js";
import { client } from "../client.js";
import { $, el } from "../dom.js";
import { inbox } from "../inbox.js";
import { PagedList, emptyBox } from "../lists.js";
import { t } from "../texts.js";

const CONTENT_KINDS = new Set(["new-video", "live-started", "new-post"]);
/** Arrivals within this are fetched as one; the random half keeps many readers from asking at one moment, ms. */
const GATHER_MS = 300;
/** Scrolled further than this, new cards wait behind a button instead of moving what is being read, px. */
const TOP_PX = 300;

const button = $("#show-new");
const list = new PagedList($("#list"), {
  class: "cards",
  load: (cursor, signal) => client.request("GET", "/feed", null, { query: { cursor, limit: 24 }, signal }),
  draw: (item) => contentCard(item),
  empty: () => {
    $("#meet").hidden = false;
    return emptyBox("feed.empty.title", "feed.empty.text", { action: el("a", { class: "button", href: "/creators" }, t("feed.empty.action")) });
  },
});
let timer = null;
let waiting = [];
/** Contents that arrived as new here, the newest 200: the page shows them, so that the bell needs no toast. */
const inserted = new Set();

async function fetchNew() {
  timer = null;
  const { data } = await client.request("GET", "/feed", null, { query: { limit: 24 } });
  waiting = data.filter((item) => !list.knows(item.id));
  if (!waiting.length) return;
  if (scrollY < TOP_PX) showNew();
  else {
    button.textContent = t("feed.showNew", { count: waiting.length });
    button.hidden = false;
  }
}

function showNew() {
  const focused = document.activeElement === button;
  const cards = list.prepend(waiting);
  waiting = [];
  button.hidden = $("#meet").hidden = true;
  for (const card of cards) {
    card.classList.add("arrived");
    card.querySelector(".card-picture").append(el("span", { class: "badge new" }, t("feed.new")));
  }
  if (focused) cards[0]?.querySelector("a").focus();
}

button.addEventListener("click", () => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollTo({ top: 0, behavior: calm ? "auto" : "smooth" });
  showNew();
});
inbox.addEventListener("arrival", ({ detail }) => {
  const { kind, content_id: id } = detail.data;
  if (!CONTENT_KINDS.has(kind)) return;
  if (!list.knows(id)) inserted.add(id); // a planned stream that starts has its card already
  if (inserted.size > 200) inserted.delete(inserted.values().next().value);
  timer ??= setTimeout(() => fetchNew().catch(() => {}), GATHER_MS + Math.random() * GATHER_MS);
});
document.addEventListener("arrived", (event) => {
  if (event.detail.every(({ data }) => inserted.has(data.content_id))) event.preventDefault();
});
inbox.addEventListener("reset", () => list.reload());

if (client.user) list.reload();
