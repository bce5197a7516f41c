import { client } from "../client.js";
import { ask } from "../dialogs.js";
import { $, announce, el, icon } from "../dom.js";
import { attempt } from "../party/attempt.js";
import { Chatting } from "../party/chatting.js";
import { chooseVideo } from "../party/choose.js";
import { Deck } from "../party/deck.js";
import { Figures } from "../party/figures.js";
import { Float } from "../party/float.js";
import { changeParty } from "../party/hosting.js";
import { openInvites } from "../party/invites.js";
import { Pace } from "../party/pace.js";
import { askToPutOut, drawPeople } from "../party/people.js";
import { drawQueue } from "../party/queue.js";
import { wordsOf } from "../party/said.js";
import { PartySpeech } from "../party/speech.js";
import { Stage } from "../party/stage.js";
import { Tabs } from "../party/tabs.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

const EMOJI = ["😂", "😍", "😮", "👏", "🔥", "😢"];
/** The place in the video and what lies over it are drawn this often, ms. */
const DRAW_MS = 200;
/** Shut doors are tried this often, and when they open, ms: the party may be moved meanwhile. */
const DOORS_MS = 15 * 60_000;
const RANKS = { guest: 0, cohost: 1, host: 2 };
const LOWEST = { host: 2, cohosts: 1, everyone: 0 };

const id = Number(location.pathname.split("/")[2]);
const invite = new URLSearchParams(location.search).get("invite");
const me = client.user?.id ?? null;
const names = new Map(); // of who was here, for words about who has left
let party = null;
let stage = null;
let chatting = null;
let communityId = null;
let reclaimUntil = 0; // on the party's clock
let gate = null; // how many are ready, of one timeline
let shownContent = null;
let coming = null; // the party, while its doors are shut
let doors = null; // the timer that tries them
let titled = t("party.title"); // what the window is called by

const speech = new PartySpeech($("#spoken"));
const float = new Float($("#float"));
const pace = new Pace($("#pace"));
const tabs = new Tabs(["chat", "people", "queue", "figures"], (name) => {
  if (name === "chat") chatting?.seen();
  if (name === "figures") figures?.start();
  else figures?.stop();
});
let figures = null;

const may = (action) => Boolean(party?.role && party.party && party.state !== "out" && RANKS[party.role] >= LOWEST[party.party.policy[action]]);
const ends = () => Boolean(party?.party?.ended_at);
const steer = (work) => attempt(work).then(draw);

const deck = new Deck({
  play: () => steer(() => party.play()),
  pause: () => steer(() => party.pause()),
  seek: (ms) => steer(() => party.seek(ms)),
  rate: (rate) => steer(() => party.setRate(rate)),
  next: () => steer(() => party.ask("queue-next", { base_seq: party.latest.seq })),
  volume: (volume) => (stage?.setSound({ volume, muted: volume === 0 }), draw()),
  mute: () => {
    if (stage?.silenced) stage.unlock();
    else stage?.setSound({ muted: !stage.sound.muted });
    draw();
  },
  whole: () => stage?.whole(),
  chat: () => (tabs.show("chat"), chatting?.composer.focus()),
});

// ---- drawing ----

function draw() {
  if (!party || !stage) return;
  const now = party.now;
  const length = stage.length;
  const next = party.queue[0]?.content?.title ?? null;
  const position = Math.min(now?.position_ms ?? 0, length ?? Infinity);
  deck.show({ status: now?.status ?? "idle", position, length, rate: now?.rate ?? 1, may: may("control"), next: next !== null });
  deck.showSound(stage.sound);
  const step = party.step;
  const player = stage.state === "broken" ? "broken" : stage.state === "loading" ? "player" : null;
  const mode = party.state === "out" || ends() || !now ? "off" : (player ?? (party.state === "away" ? "away" : now.playing ? (step?.mode ?? "starting") : "standing"));
  pace.show({ mode, error: step?.error_ms ?? null, status: now?.status });
  stage.draw({ may: may("control"), next, startsAt: party.party?.starts_at, community: communityId && `/communities/${communityId}`, byLink: invite !== null, coming, gate: gate?.seq === party.latest?.seq ? gate : { ready: 0, of: Math.max(party.online, party.members.size) } }, { play: deck.on.play, next: deck.on.next });
  $("#emoji-row").hidden = party.state === "out" || ends();
  $("#claim").hidden = !(reclaimUntil && party.role !== "host" && now && now.at_ms < reclaimUntil);
}

function drawAbout() {
  const { party: about, role, online, members } = party;
  if (!about) return;
  for (const { user } of members.values()) names.set(user.id, user.name);
  $("#party").removeAttribute("aria-busy");
  const { host } = about;
  const content = stage.content ?? about.content;
  const title = about.title || content?.title || t("party.title"); // whoever called it something may be erased
  $("#party-title").textContent = title;
  document.title = document.title.replace(titled, () => title);
  titled = title;
  const people = Math.max(online, members.size);
  $("#about").replaceChildren(
    ...[content && el("a", { href: `/creators/${content.creator.id}` }, content.creator.name), host && t("party.hostedBy", { name: host.name || names.get(host.id) || t("message.gone") }), t(`open.visibility.${about.visibility}`)].filter(Boolean).flatMap((part, at) => (at ? [" · ", part] : [part])),
  );
  tabs.count("people", people, { quiet: true });
  tabs.allow("figures", role === "host" || role === "cohost");
  drawPeople($("#people"), { members: [...members.values()], online: people }, { id: me, role }, toPerson);
  drawActions(about, role);
  drawWaiting();
  draw();
}

const action = (name, symbol, run, properties = {}) => el("button", { type: "button", class: "button quiet small", title: t(name), data: { do: name }, on: { click: run }, ...properties }, icon(symbol), t(name));

function drawActions(about, role) {
  const box = $("#actions");
  const key = JSON.stringify([role, may("invite"), ends()]);
  if (box.dataset.drawn === key) return;
  box.dataset.drawn = key;
  const leads = role === "host" && !ends();
  const parts = [
    may("invite") && !ends() && action("party.invite", "add", () => openInvites(party.party, communityId)),
    leads && action("party.settings", "gear", () => changeParty(party.party)),
    action("party.leave", "out", () => location.assign("/parties")),
  ];
  box.replaceChildren(...parts.filter(Boolean));
}

function drawWaiting() {
  const leads = RANKS[party.role] > 0;
  drawQueue($("#queue"), { items: party.queue, own: party.ownVotes }, { mayControl: may("control"), mayRemove: (entry) => leads || entry.added_by?.id === me }, toEntry);
  tabs.count("queue", party.queue.length, { quiet: true });
  const foot = $("#panel-queue .side-foot");
  if (may("queue") && !foot) $("#panel-queue").append(el("div", { class: "side-foot" }, action("party.queue.add", "add", addVideo)));
  else if (!may("queue")) foot?.remove();
}

function drawReactions() {
  $("#emoji-row").replaceChildren(
    ...EMOJI.map((emoji) =>
      el("button", { type: "button", "aria-label": t("party.react", { emoji }), on: { click: () => party.ask("party-react", { emoji }).catch(() => {}) } }, emoji), // one that is lost is no loss
    ),
  );
}

// ---- what one asks ----

async function toPerson(name, person) {
  if (name === "cohost" || name === "guest") {
    return attempt(() => client.request("POST", `/watch-parties/${party.id}/members`, { user_id: person.id, role: name }), t("party.done"));
  }
  if (name === "transfer") {
    const sure = await ask({ title: t("party.transfer.title", person), text: t("party.transfer.text"), submit: t("party.do.transfer") });
    return sure && attempt(() => party.ask("transfer-host", { user_id: person.id }));
  }
  const sure = await askToPutOut(person.name, name === "ban");
  return sure && attempt(() => party.ask("kick-member", { user_id: person.id, ban: sure.ban, ...(sure.reason ? { reason: sure.reason } : {}) }), t("party.done"));
}

function toEntry(name, entry) {
  if (name === "remove") return attempt(() => party.ask("queue-remove", { item_id: entry.id }));
  if (name === "load") return attempt(() => party.ask("queue-next", { base_seq: party.latest.seq, item_id: entry.id }));
  return attempt(() => party.vote(entry.id, !party.ownVotes.has(entry.id)));
}

async function addVideo() {
  const chosen = await chooseVideo(t("party.queue.add"), party.party.creator_id, { withAddress: true });
  if (chosen) await attempt(() => party.ask("queue-add", chosen.url && !chosen.id ? { url: chosen.url } : { content_id: chosen.id }), t("party.queue.added"), "video");
}

// ---- what happens ----

async function showContent(contentId) {
  if (contentId === shownContent) return;
  shownContent = contentId;
  let content = [party.party?.content, ...party.queue.map((one) => one.content)].find((one) => one?.id === contentId);
  content ??= (await client.request("GET", `/watch-parties/${party.id}`).catch(() => null))?.data.content;
  if (shownContent !== contentId || !content) return;
  const shown = stage.show(content);
  drawAbout();
  await shown;
}

function happened(event) {
  const { type, data, actor } = event;
  if (actor) names.set(actor.id, actor.name);
  if (type === "message-created" || type === "message-deleted") return chatting.hear(event);
  if (data.reason === "party-ended") chatting.composer.enabled = false;
  if (type === "host-changed") {
    reclaimUntil = data.former_host_id === me ? (data.reclaim_until_ms ?? 0) : 0;
    if (data.host_id === me) toast({ text: t("party.said.hostYou"), kind: "good", spoken: "" });
  }
  const words = wordsOf(event, { me, nameOf: (userId) => names.get(userId) || t("message.gone") });
  if (words?.noted) chatting.talk.note(words.text);
  if (words?.spoken && actor?.id !== me) speech.say(words.text);
  draw();
}

async function entered() {
  chatting.composer.enabled = !ends();
  const details = await client.request("GET", `/watch-parties/${party.id}`).then(({ data }) => data, () => null);
  if (!details) return;
  reclaimUntil = details.reclaim_until_ms ?? 0;
  draw();
  if (communityId !== null) return;
  const { data } = await client.request("GET", "/communities", null, { query: { creator_id: details.creator_id } }).catch(() => ({ data: [] }));
  communityId = data[0]?.id ?? null;
}

/** One came before the doors open: who has said so is reminded, and who stays is let in. */
async function waitAtTheDoors({ retryAfterMs }) {
  doors = setTimeout(() => party.open(), Math.min(retryAfterMs ?? DOORS_MS, DOORS_MS));
  coming = (await client.request("GET", `/watch-parties/${party.id}`).catch(() => null))?.data ?? null; // by a link one is told nothing yet
  if (coming && !party.party) $("#party-title").textContent = coming.title;
  draw();
}

function stateChanged(state) {
  chatting.composer.enabled = state === "live" && !ends();
  clearTimeout(doors);
  if (state === "live") {
    if (party.id !== id || invite) history.replaceState(null, "", `/parties/${party.id}`); // the invite has done its work
    entered();
    if (stage.content && stage.state === "none") stage.show(stage.content); // one is back after having been out
  }
  if (state === "out") {
    stage.close();
    if (!party.party) {
      $("#party").removeAttribute("aria-busy");
      $("#party-title").textContent = t("party.title"); // what it is called one is not told
    }
    if (party.error?.code === "LOCKED") waitAtTheDoors(party.error);
    else announce(t("party.out.lost"));
  }
  draw();
}

let endedSeq = 0;
/** The server ends what is told with its length; of what is not, the host's player knows where it ends. */
function endUntold() {
  const now = party.now;
  const { length, content } = stage;
  const untold = content && !content.duration_s && content.live_status !== "live" && length !== null;
  if (!untold || party.role !== "host" || party.state !== "live" || !now?.playing || now.position_ms < length || endedSeq === party.latest.seq) return;
  endedSeq = party.latest.seq;
  const goOn = party.queue.length && party.party.autoplay;
  (goOn ? party.ask("queue-next", { base_seq: party.latest.seq }) : party.pause()).catch(() => {}); // somebody else was faster
}

let spokenPace = "good";
function tellPace() {
  const { pace: now } = $("#pace").dataset;
  if (now === spokenPace || !["good", "bad"].includes(now)) return;
  if (now === "bad" && party.state === "live") speech.say(t("party.said.behind", { off: $("#pace-text").textContent }));
  else if (now === "good" && spokenPace === "bad") speech.say(t("party.said.inStep"));
  spokenPace = now;
}

function begin() {
  party = client.party(id, { invite });
  stage = new Stage(party);
  chatting = new Chatting(party, speech, { shown: () => tabs.shown === "chat", onUnread: (count) => tabs.count("chat", count) });
  figures = new Figures($("#figures"), party);
  party.on("about", drawAbout);
  party.on("queue", drawWaiting);
  party.on("messages", () => chatting.begin());
  party.on("timeline", ({ content_id: contentId }) => {
    showContent(contentId);
    draw();
  });
  party.on("step", draw);
  party.on("event", happened);
  party.on("reactions", ({ counts }) => float.show(counts));
  party.namespace.on("gate", (told) => {
    if (told.party_id === party.id) gate = told;
  });
  party.on("state", stateChanged);
  $("#catch-up").addEventListener("click", () => party.catchUp());
  $("#claim").addEventListener("click", () => attempt(() => party.ask("claim-host")));
  addEventListener("pagehide", () => party.close());
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  drawReactions();
  setInterval(() => (draw(), tellPace(), endUntold()), DRAW_MS);
  party.open();
  globalThis.party = party; // for the browser's tools and for tests, as docs/architecture.md says
}

if (client.user && client.io) begin();
else if (client.user) $("#curtain").replaceChildren(el("p", {}, t("state.noLive")));
