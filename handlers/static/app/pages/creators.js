import { creatorRow } from "../cards.js";
import { client, goToSignIn } from "../client.js";
import { $, announce } from "../dom.js";
import { wireForm } from "../forms.js";
import { PagedList, emptyBox } from "../lists.js";
import { counted, t } from "../texts.js";
import { toast } from "../toast.js";

/** Quiet time after the last key before a search is sent, ms. */
const TYPING_MS = 250;

const input = $("#q");
input.value = new URLSearchParams(location.search).get("q") ?? "";

const list = new PagedList($("#list"), {
  class: "creators",
  load: (cursor, signal) => client.request("GET", "/creators", null, { query: { q: input.value.trim(), cursor, limit: 30 }, signal }),
  draw: creatorRow,
  empty: () => {
    const query = input.value.trim();
    return query ? emptyBox("creators.none.title", "creators.none.text", { values: { query } }) : emptyBox("creators.empty.title", "creators.empty.text");
  },
  onPage: ({ data }) => input.value.trim() && announce(counted("creators.found", data.length)),
});

let timer = null;
function search() {
  clearTimeout(timer);
  const url = new URL(location.href);
  const query = input.value.trim();
  if (query) url.searchParams.set("q", query);
  else url.searchParams.delete("q");
  history.replaceState(null, "", url);
  list.reload();
}
input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, TYPING_MS);
});
$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});

const form = $("#add");
wireForm(form, {
  situation: "source",
  send: async ({ source }) => {
    if (!client.user) return goToSignIn("first");
    const { data: creator } = await client.request("POST", "/creators", { source: source.trim() });
    if (!creator.subscribed) await client.request("POST", `/creators/${creator.id}/subscribe`);
    form.reset();
    toast({ text: t("creators.add.done", { name: creator.name }), url: `/creators/${creator.id}`, kind: "good", picture: creator.avatar_url });
    list.reload();
  },
});

list.reload();
