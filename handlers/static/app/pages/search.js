import { client } from "../client.js";
import { $, el } from "../dom.js";
import { PagedList, emptyBox } from "../lists.js";
import { t, timeElement } from "../texts.js";

const form = $("#search");
const input = $("#q");
const community = new URLSearchParams(location.search).get("community");

const address = (hit) =>
  hit.kind === "message"
    ? `/communities/${hit.community_id}/rooms/${hit.room_id}?message=${hit.id}`
    : `/communities/${hit.community_id}/discussions/${hit.discussion_id}${hit.kind === "comment" ? `?comment=${hit.id}` : ""}`;

const list = new PagedList($("#list"), {
  class: "hits",
  load: (cursor, signal) => client.request("GET", community ? `/communities/${community}/search` : "/search", null, { query: { q: input.value.trim(), cursor, limit: 20 }, signal }),
  draw: (hit) =>
    el(
      "li",
      {},
      el(
        "a",
        { class: "hit", href: address(hit) },
        el("span", { class: "muted" }, t(`search.${hit.kind}`), " · ", hit.author?.name ?? t("message.gone"), " · ", timeElement(hit.at)),
        el("div", {}, ...hit.excerpt.map(({ text, marked }) => (marked ? el("mark", {}, text) : text))),
      ),
    ),
  empty: () => emptyBox("search.none.title", "search.none.text"),
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const q = input.value.trim();
  if (!q) return;
  const query = new URLSearchParams({ ...(community ? { community } : {}), q });
  history.replaceState(null, "", `?${query}`);
  list.reload();
});

input.value = new URLSearchParams(location.search).get("q") ?? "";
if (client.user && input.value) list.reload();
else input.focus();
