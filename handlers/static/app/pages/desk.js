import { client } from "../client.js";
import { $, announce, avatar, el } from "../dom.js";
import { PagedList } from "../lists.js";
import { follow } from "../live.js";
import { logRow } from "../manage/log.js";
import { newId } from "../posts.js";
import { may } from "../ranks.js";
import { attempt } from "../room/moderating.js";
import { renderBody } from "../room/body.js";
import { counted, has, t, timeElement } from "../texts.js";

const id = location.pathname.split("/")[2];
const KINDS = ["held", "report", "request", "appeal"];
/** What `A` and `D` do: path and body by kind. */
const DECISIONS = {
  held: (item, yes) => [`/held/${item.id}/decision`, { approve: yes, cid: newId() }],
  report: (item, yes) => [`/messages/${item.id}/reports/decision`, { agree: !yes, cid: newId() }],
  request: (item, yes) => [`/requests/${item.id}/decision`, { accept: yes }],
  appeal: (item, yes) => [`/appeals/${item.id}/decision`, { lift: yes }],
};
/** Who stays with an item for so long deals with it, ms. */
const DWELL_MS = 800;
let kind = "held";
let counts = {};
let role = null;
let drawn = null; // the first page

const list = new PagedList($("#list"), {
  class: "desk",
  load: (cursor, signal) =>
    kind === "log"
      ? client.request("GET", `/communities/${id}/moderation-log`, null, { query: { cursor, limit: 50 }, signal })
      : client.request("GET", `/communities/${id}/desk`, null, { query: { kind, cursor, limit: 30 }, signal }),
  draw: (item) => (kind === "log" ? logRow(item) : itemRow(item)),
  empty: () => el("p", { class: "muted" }, t("desk.empty")),
});

function itemRow(item) {
  const name = item.user?.name || t("message.gone");
  const cause = item.cause && (has(`cause.${item.cause}`) ? t(`cause.${item.cause}`, { term: item.term ?? "" }) : item.cause);
  const place = placeOf(item);
  const decide = async (yes) => {
    row.dataset.mine = "yes"; // nobody need be told who deals with what is dealt with
    const done = await attempt(() => client.request("POST", ...DECISIONS[item.kind](item, yes)));
    if (done) settle(item.kind, item.id);
  };
  // nobody but those above whom nobody stands decides on reports of what they said themselves
  const own = item.kind === "report" && item.user?.id === client.user.id;
  const barred = own && !may(role, "decide_own_reports");
  const decision = (word, yes, more) =>
    el("button", { type: "button", class: `button small quiet${more}`, disabled: barred, data: { decide: word }, on: { click: () => decide(yes) } }, t(`desk.${item.kind}.${word}`));
  const row = el(
    "li",
    { class: "desk-item", tabindex: "-1", data: own ? { id: item.id, own: "yes" } : { id: item.id } },
    el("div", { class: "comment-head" }, avatar(name, item.user?.avatar_url, "small"), el("b", {}, name), el("span", { class: "muted" }, timeElement(item.created_at))),
    item.title && el("h3", {}, item.title),
    el("p", { class: "post-text" }, renderBody(item.text)),
    el(
      "div",
      { class: "about" },
      item.subject && el("span", {}, t(`desk.subject.${item.subject === "discussion" && !item.discussion_id ? "new" : item.subject}`)),
      place && el("a", { href: place }, t("desk.open")),
      cause && el("span", {}, t("desk.cause", { cause })),
      item.reports > 0 && el("span", {}, counted("desk.reports", item.reports)),
      item.hidden && el("span", {}, t("desk.hidden")),
      ...item.reasons.map((reason) => el("span", {}, `“${reason}”`)),
      el("span", { class: "claim" }, item.claimed_by && item.claimed_by.id !== client.user.id ? t("desk.claimed", { name: item.claimed_by.name }) : ""),
    ),
    el(
      "div",
      { class: "decisions" },
      decision("yes", true, ""),
      decision("no", false, " danger"),
      barred && el("span", { class: "muted" }, t("desk.own")),
    ),
  );
  row.addEventListener("focusin", () => {
    if (row.dataset.mine) return;
    setTimeout(() => {
      if (row.dataset.mine || !row.contains(document.activeElement)) return;
      row.dataset.mine = "yes"; // told once: it ends by itself after five minutes
      client.request("PUT", `/communities/${id}/desk/${item.kind}/${item.id}`, { on: true }).catch(() => {});
    }, DWELL_MS);
  });
  return row;
}

/** Where it stands, or would stand; null for what is in no place. */
function placeOf({ kind, subject, id: item, room_id: room, discussion_id: discussion }) {
  const held = kind === "held";
  if (subject === "message") return `/communities/${id}/rooms/${room}${held ? "" : `?message=${item}`}`;
  if (!discussion) return null;
  return `/communities/${id}/discussions/${discussion}${subject === "comment" && !held ? `?comment=${item}` : ""}`;
}

/** It is dealt with, here or by somebody else: the next one gets the focus. */
function settle(ofKind, itemId) {
  if (ofKind !== kind) return;
  const row = list.list.querySelector(`[data-id="${CSS.escape(String(itemId))}"]`);
  if (!row) return;
  const focused = row.contains(document.activeElement);
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  if (focused) (next ?? $(`[data-kind="${kind}"]`)).focus();
  if (!list.list.children.length) list.reload();
}

function showCounts(now) {
  counts = now;
  for (const one of KINDS) {
    const badge = $(`[data-kind="${one}"] .unread`);
    badge.hidden = !counts[one];
    badge.textContent = String(counts[one] ?? 0);
  }
}

function begin(reply) {
  const before = role;
  role = reply.role;
  showCounts(reply.counts);
  // what came between the list and this is in neither; and it may be drawn before it was known what one may
  drawn.then(() => (role !== before && $("[data-own]", list.list) ? list.reload() : list.renew()));
}

function changed({ data }) {
  const before = counts[data.kind] ?? 0;
  showCounts(data.counts);
  if (!data.waiting) {
    settle(data.kind, data.id);
    if (data.kind === kind) announce(t("desk.done", { count: counts[kind] ?? 0 }));
  } else if (data.kind === kind && counts[kind] > before) list.reload();
}

for (const button of document.querySelectorAll("[data-kind]")) {
  button.addEventListener("click", () => {
    kind = button.dataset.kind;
    for (const other of document.querySelectorAll("[data-kind]")) other.setAttribute("aria-pressed", String(other === button));
    list.reload();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select") || $("dialog")) return;
  const row = document.activeElement.closest?.(".desk-item");
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") {
    const to = row ? (key === "j" ? row.nextElementSibling : row.previousElementSibling) : list.list.firstElementChild;
    to?.focus();
    to?.scrollIntoView({ block: "nearest" });
  } else if (row && (key === "a" || key === "d")) $(`[data-decide="${key === "a" ? "yes" : "no"}"]`, row).click();
  else return;
  event.preventDefault();
});

if (client.user) {
  drawn = list.reload();
  follow(`desk:${id}`, "join-desk", { community_id: Number(id) }, { event: changed, begin });
}
