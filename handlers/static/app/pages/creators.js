import { creatorRow } from "../cards.js";
import { client, goToSignIn } from "../client.js";
import { $, announce, el } from "../dom.js";
import { wireForm } from "../forms.js";
import { PagedList, emptyBox } from "../lists.js";
import { describe } from "../problems.js";
import { asSource, mayBeName, onOtherPlatform, sameName } from "../sources.js";
import { counted, t } from "../texts.js";
import { toast } from "../toast.js";

/** Quiet time after the last key before a search is sent, ms. */
const TYPING_MS = 250;
/** Creators of the same name that are offered, at most. */
const MAX_OFFERED = 3;
/** The server's bound for a search, characters. */
const MAX_QUERY = 100;

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
  onPage: ({ data }) => {
    if (input.value.trim()) announce(counted("creators.found", data.length));
    showDemonstration(data);
  },
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
const { source } = form.elements;
const offered = $("#offer");
wireForm(form, {
  situation: "source",
  check: () => (onOtherPlatform(source.value) ? { source: t("problem.source.elsewhere") } : {}),
  send: async (values) => {
    if (!client.user) return goToSignIn("first");
    const text = values.source.trim();
    const named = await creatorsNamed(text);
    if (named.length) return offer(named);
    const { data: creator } = await client.request("POST", "/creators", { source: asSource(text) });
    await follow(creator);
  },
});
source.addEventListener("input", () => (offered.hidden = true));

async function follow(creator) {
  if (!creator.subscribed) await client.request("POST", `/creators/${creator.id}/subscribe`);
  const text = t(creator.subscribed ? "creators.add.already" : "creators.add.done", { name: creator.name });
  form.reset();
  offered.hidden = true;
  toast({ text, url: `/creators/${creator.id}`, kind: "good", picture: creator.avatar_url, round: true });
  list.reload();
}

/** Creators that are here already and have exactly the name that was written. */
async function creatorsNamed(text) {
  if (!mayBeName(text) || text.length > MAX_QUERY) return [];
  const { data } = await client.request("GET", "/creators", null, { query: { q: text, limit: 30 } });
  return data.filter((creator) => sameName(creator.name, text)).slice(0, MAX_OFFERED);
}

function offer(creators) {
  const button = (creator) => {
    const send = async () => {
      try {
        await follow(creator);
        source.focus();
      } catch (error) {
        toast({ text: describe(error, "follow"), kind: "bad" });
      }
    };
    const handle = creator.channels[0]?.handle;
    const name = t("creator.followName", { name: creator.name });
    return el("button", { type: "button", class: "button quiet small", on: { click: send } }, handle ? `${name} (@${handle})` : name);
  };
  offered.replaceChildren(el("p", { id: "offer-title" }, t("creators.add.offer")), ...creators.map(button));
  offered.hidden = false;
  offered.querySelector("button").focus();
}

/** Where the platform is the demonstration's, on this machine, a newcomer is told whom there is. */
function showDemonstration(creators) {
  const line = $("#demonstration");
  if (!line.hidden) return;
  const invented = creators.filter(({ channels }) => channels.some(({ handle, url }) => handle && isLoopback(url)));
  const example = invented.find((creator) => !creator.subscribed) ?? invented[0];
  if (!example) return;
  line.textContent = t("creators.add.demonstration", { handle: example.channels[0].handle });
  line.hidden = false;
}

const isLoopback = (address) => URL.canParse(address) && ["127.0.0.1", "localhost", "[::1]"].includes(new URL(address).hostname);

list.reload();
