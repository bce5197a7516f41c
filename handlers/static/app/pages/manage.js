import { client } from "../client.js";
import { $, el } from "../dom.js";
import { emptyBox } from "../lists.js";
import { follow } from "../live.js";
import { startGeneral } from "../manage/general.js";
import { startInvites } from "../manage/invites.js";
import { startLog } from "../manage/log.js";
import { startMembers } from "../manage/members.js";
import { startOwnership } from "../manage/ownership.js";
import { Place } from "../manage/place.js";
import { startPurges } from "../manage/purges.js";
import { startRequests } from "../manage/requests.js";
import { startRooms } from "../manage/rooms.js";
import { startTerms } from "../manage/terms.js";
import { problemBox } from "../problems.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

const id = Number(location.pathname.split("/")[2]);
const place = new Place(id);
/** Each is made when it is first looked at, and gives what reads it anew each time that one comes back. */
const STARTS = { general: startGeneral, rooms: startRooms, members: startMembers, requests: startRequests, invites: startInvites, terms: startTerms, purges: startPurges, ownership: startOwnership, log: startLog };
const DONE = "mypick.managed";
/** Those that the desk's events keep current. */
const LIVE = ["requests", "purges"];
const started = {};
const links = [...document.querySelectorAll("#sections a")];
const nameOf = (link) => link.hash.slice(1);

/** Only what one may do is there. */
function allow() {
  for (const link of links) link.hidden = link.dataset.needs !== "" && !place.may(link.dataset.needs);
  const single = links.filter((link) => !link.hidden).length === 1;
  $("#sections").hidden = single;
  $("#manage").classList.toggle("single", single);
}

function show({ focus = true } = {}) {
  const open = links.filter((link) => !link.hidden);
  const chosen = open.find((link) => link.hash === location.hash) ?? open[0];
  const name = nameOf(chosen);
  for (const link of links) {
    if (link === chosen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    $(link.hash).hidden = link !== chosen;
  }
  chosen.parentElement.scrollLeft = chosen.offsetLeft - (chosen.parentElement.clientWidth - chosen.offsetWidth) / 2;
  started[name] ??= STARTS[name](place);
  started[name]();
  if (focus) {
    $(`#${name}-title`).focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }
}

place.go = (name) => (location.hash === `#${name}` ? show() : (location.hash = name));
place.named = () => {
  $("#community-name").textContent = place.about?.name ?? "";
  if (place.about) document.title = `${t("manage.title")} · ${place.about.name} · MyPick`;
};
/** What somebody did to the person who is looked at. */
place.showLog = (user) => {
  place.logFor = user;
  place.logOf?.(user);
  place.go("log");
};
/** The own role, or whose the community is, may be another now: the page begins anew, and says then what was done. */
place.changed = (done) => {
  sessionStorage.setItem(DONE, done);
  location.reload();
};

function counted(counts) {
  for (const [name, count] of [["requests", counts.request], ["purges", counts.purge]]) {
    const badge = $(`#sections [href="#${name}"] .unread`);
    badge.hidden = !count;
    badge.textContent = String(count);
    badge.setAttribute("aria-label", t("manage.waiting", { count }));
  }
}

async function begin() {
  const closed = $("#closed");
  try {
    await place.load();
  } catch (error) {
    if (error.code === "NOT_FOUND") return closed.replaceChildren(emptyBox("notFound.title", "problem.notFound", { level: "h2" }));
    // whoever is banned may still prove that it is theirs
    if (error.code !== "BANNED") return closed.replaceChildren(problemBox(error, begin, "room"));
    closed.replaceChildren(el("p", { class: "notice-line" }, t("community.banned")));
  } finally {
    closed.removeAttribute("aria-busy");
  }
  if (place.about) closed.replaceChildren();
  place.named();
  allow();
  $("#manage").hidden = false;
  show({ focus: false });
  const done = sessionStorage.getItem(DONE);
  sessionStorage.removeItem(DONE);
  if (done) toast({ text: done, kind: "good" });
  addEventListener("hashchange", () => show());
  if (place.about && place.may("read_desk")) {
    follow(`desk:${id}`, "join-desk", { community_id: id }, { event: changed, begin: arrived });
  }
}

/** At the desk, for the first time or after a gap: what is live is read as it is now. */
function arrived({ counts }) {
  counted(counts);
  const name = links.map(nameOf).find((one) => !$(`#${one}`).hidden);
  if (LIVE.includes(name)) started[name]?.();
}

function changed({ data }) {
  counted(data.counts);
  place.watchers[data.kind]?.(data);
}

if (client.user) begin();
