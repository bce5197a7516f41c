import { client } from "../client.js";
import { $, el } from "../dom.js";
import { emptyBox } from "../lists.js";
import { may, Staff } from "../ranks.js";
import { counted, t } from "../texts.js";
import { toast } from "../toast.js";
import { actionBar } from "../room/actions.js";
import { Composer } from "../room/composer.js";
import { Editing } from "../room/editing.js";
import { attempt, ban, changeMode, deleteMessage, reportMessage, timeOut, unban } from "../room/moderating.js";
import { showNotice, standing } from "../room/notice.js";
import { Quotes } from "../room/quotes.js";
import { Reader } from "../room/reader.js";
import { authorName, messageRow, unsentRow } from "../room/row.js";
import { roomLinks, roomName } from "../room/rooms.js";
import { Side } from "../room/side.js";
import { WindowedList } from "../room/window.js";

const [, , communityId, , roomId] = location.pathname.split("/");
const asked = Number(new URLSearchParams(location.search).get("message")) || null;
const scroll = $("#scroll");
const staff = new Staff();
const room = client.room(Number(roomId));
const { timeline, outbox } = room;
let about = { open: true };
let replyTo = null;
let marked = asked;
let went = false; // to the message that was asked for
let listed = []; // rooms, with what is unread in them

const look = () => ({ me: client.user?.id, newFrom: reader.newFrom, marked, editing: editing.id, mayReact: about.open, quoteOf: (message) => quotes.of(message), badgeOf: (id) => staff.roleOf(id) });
const source = {
  get items() {
    return room.messages;
  },
  get older() {
    return timeline.older;
  },
  get newer() {
    return timeline.newer;
  },
  indexOf: (item) => timeline.indexOf(item),
  loadOlder: () => room.loadOlder(),
  loadNewer: () => room.loadNewer(),
};
const list = new WindowedList(scroll, $("#messages"), source, { draw: (message, before) => messageRow(message, before, look()), onScroll: () => reader.look() });
const quotes = new Quotes((id) => timeline.get(id), (answers) => answers.forEach((message) => list.changed(message)));
const reader = new Reader(room, list);
const editing = new Editing(room, list, () => composer.focus());
const people = async (q) => (await client.request("GET", `/communities/${communityId}/members`, null, { query: { q, limit: 8 } })).data.map(({ user }) => user).filter(({ id }) => id !== client.user.id);
const composer = new Composer($("#composer"), {
  draftKey: `${client.user?.id}.${roomId}`,
  people,
  typing: () => room.typing(),
  editLast: () => editLast(),
  leave: () => setReply(null),
  send: (text, mentions) => say(text, mentions, replyTo?.id ?? null) && (setReply(null), true),
});
const answer = new Composer($("#answer"), {
  draftKey: `${client.user?.id}.${roomId}.thread`,
  people,
  typing: () => room.typing(),
  send: (text, mentions) => say(text, mentions, side.root),
});
const side = new Side({
  room,
  communityId,
  me: client.user?.id,
  look,
  goTo,
  onSide: (kind) => {
    $("#answer").hidden = kind !== "thread";
    for (const name of ["pins", "people"]) $(`#show-${name}`).setAttribute("aria-expanded", String(kind === name));
    $("#chat").classList.toggle("with-side", kind !== null);
  },
});

/** Mentions of what is on its way, by cid: the server gives them with the message. */
const named = new WeakMap();

function say(text, mentions, to) {
  const entry = room.send(text, { replyTo: to });
  if (!entry) {
    toast({ text: t("unsent.full"), kind: "bad" });
    return false;
  }
  named.set(entry, mentions);
  drawUnsent();
  if (timeline.newer) room.goToLatest().catch(() => {});
  list.toEnd();
  const { slow_seconds: slow = 0 } = room.mode ?? {};
  if (slow && !may(room.role, "skip_slow")) for (const one of [composer, answer]) one.block(slow * 1000);
  return true;
}

function drawUnsent() {
  const focused = document.activeElement?.closest?.("[data-cid]")?.dataset.cid;
  const rows = outbox.shown.map((entry) =>
    unsentRow(Object.assign(Object.create(entry), { mentions: named.get(entry) ?? [] }), client.user, {
      retry: () => outbox.retry(entry.cid),
      discard: () => outbox.discard(entry.cid),
      takeBack: () => {
        outbox.discard(entry.cid);
        composer.put(entry.text);
      },
    }),
  );
  const ended = list.atEnd;
  $("#unsent").replaceChildren(...rows);
  if (focused) (rows.find((row) => row.dataset.cid === focused)?.querySelector("button") ?? composer.input).focus();
  if (ended) list.toEnd();
}

function setReply(message) {
  replyTo = message;
  composer.setAbout(message && t("message.replying", { name: authorName(message) }), () => (setReply(null), composer.focus()));
  if (message) composer.focus();
}

function editLast() {
  const last = room.messages.findLast((message) => message.author?.id === client.user.id && !message.deleted);
  if (last) editing.begin(last);
}

async function goTo(id) {
  try {
    const { seq } = timeline.get(id) ?? (await client.request("GET", `/messages/${id}`)).data;
    marked = id;
    await room.goTo(seq);
    const found = timeline.get(id);
    if (!found) return;
    list.reset(found);
    list.element(found)?.focus({ preventScroll: true });
    if (matchMedia("(max-width: 900px)").matches && !$("#side").hidden) side.close();
  } catch (error) {
    if (error.code !== "NOT_FOUND") throw error;
    toast({ text: t("problem.room.gone"), kind: "bad" });
  }
}

/** What the reader may do to a message. */
function can(message) {
  const mine = message.author?.id === client.user.id;
  const other = message.author && !mine;
  const to = (action) => Boolean(other && staff.mayTo(room.role, action, message.author.id));
  const write = about.open && !message.deleted;
  return { write, react: write, edit: mine && write, remove: !message.deleted && (mine || to("delete")), pin: may(room.role, "pin") && !room.archived && !message.deleted, report: other && !message.deleted, timeout: to("timeout"), ban: to("ban") };
}

function run(name, message, extra) {
  const actions = {
    emoji: () => attempt(() => room.react(message, extra, !message.reactions.find((one) => one.emoji === extra)?.mine)),
    reply: () => setReply(message),
    thread: () => side.thread(message),
    edit: () => editing.begin(message),
    copy: () => attempt(() => navigator.clipboard.writeText(`${location.origin}${location.pathname}?message=${message.id}`), t("message.copied")),
    pin: () => attempt(() => room.pin(message, true)),
    unpin: () => attempt(() => room.pin(message, false)),
    report: () => reportMessage(room, message),
    delete: () => deleteMessage(room, message, message.author?.id === client.user.id),
    timeout: () => timeOut(room, message),
    ban: () => ban(room, message),
    unban: () => unban(room, message),
  };
  actions[name]?.();
}

/** The bar stands in the row that is pointed at or has the focus, and in no other. */
function bar(row, find) {
  if (!row || row.querySelector(".bar") || document.querySelector(".menu")) return;
  const message = find(row);
  if (!message) return;
  for (const old of document.querySelectorAll(".bar")) {
    for (const button of old.closest(".message").querySelectorAll(".reaction, .quote")) button.tabIndex = -1;
    old.remove();
  }
  for (const button of row.querySelectorAll(".reaction, .quote")) button.tabIndex = 0;
  row.append(actionBar(message, () => can(message), run));
}

for (const [box, find] of [[scroll, (row) => list.itemOf(row)], [$("#side-scroll"), (row) => (row.closest(".pins") ? null : side.messageIn(row))]]) {
  // A pointer that rests while rows move beneath it points at nothing.
  for (const event of ["pointermove", "pointerdown", "focusin"]) box.addEventListener(event, ({ target }) => bar(target.closest(".message[data-id]"), find));
  box.addEventListener("click", ({ target }) => {
    const message = target.closest(".message[data-id]") && find(target.closest(".message[data-id]"));
    if (target.closest("[data-goto]")) goTo(Number(target.closest("[data-goto]").dataset.goto));
    else if (message && target.closest("[data-emoji]")) run("emoji", message, target.closest("[data-emoji]").dataset.emoji);
  });
}

scroll.addEventListener("keydown", (event) => {
  const row = event.target.closest("[data-row]");
  if (event.target !== row && event.target !== scroll) {
    if (event.key === "Escape" && row && !event.defaultPrevented) row.focus();
    return;
  }
  const item = row && list.itemOf(row);
  const to = {
    ArrowUp: () => (item ? list.beside(item, -1) : list.element(list.last)),
    ArrowDown: () => (item ? list.beside(item, 1) : null),
    End: () => (list.toEnd(), list.element(list.last)),
    Escape: () => composer.input,
  }[event.key]?.();
  if (!to) return;
  event.preventDefault();
  to.focus({ preventScroll: to === composer.input });
});

room.on("added", (messages) => {
  list.appended(messages.length);
  reader.added(messages);
});
room.on("changed", (message) => list.changed(message));
room.on("reset", () => {
  scroll.removeAttribute("aria-busy");
  reader.reset();
  list.reset(timeline.newer && marked ? timeline.get(marked) : null);
  reader.look();
  if (asked && !went && room.state === "live") {
    went = true;
    goTo(asked).catch(() => {});
  }
});
room.on("outbox", drawUnsent);
room.on("missed", () => reader.missed());
room.on("event", (event) => {
  if (event.type === "role-changed") staff.load(communityId).then(() => list.redrawAll(), () => {});
  if (event.type === "community-changed") {
    const before = new Map(listed.map((one) => [one.id, one.unread]));
    const rooms = event.data.rooms.filter(({ archived }) => !archived).map((one) => ({ ...one, unread: before.get(one.id) ?? 0 }));
    showNames({ name: event.data.name, rooms });
  }
  if (event.type === "message-deleted") {
    quotes.forget(event.data.message_id);
    if (event.data.message_id === replyTo?.id) setReply(null);
    list.redrawAll(); // answers may quote it
  }
});
room.on("typing", (typists) => {
  const others = typists.filter(({ id }) => id !== client.user.id).map(({ name }) => name);
  const [name, other] = others;
  $("#typing").textContent = others.length > 2 ? t("room.typing.many", { count: others.length }) : other ? t("room.typing.two", { name, other }) : name ? t("room.typing.one", { name }) : "";
});

/** In the place of a room that is not there, or of which one may not know. */
function nothingHere() {
  $("#chat").hidden = true;
  if ($("#nothing")) return;
  const back = el("a", { class: "button", href: `/communities/${communityId}` }, t("room.back"));
  $("#chat").after(el("div", { id: "nothing", role: "alert" }, emptyBox("room.none", "problem.notFound", { level: "h1", action: back })));
  document.title = `${t("room.none")} · MyPick`;
}

function showState() {
  // an address may name another community than the room's
  if (room.communityId && room.communityId !== Number(communityId)) return location.replace(`/communities/${room.communityId}/rooms/${roomId}${location.search}`);
  if (room.state === "out" && room.error?.code === "NOT_FOUND" && !room.messages.length) return nothingHere();
  if (room.state === "out") reader.look();
  about = standing(room);
  showNotice($("#notice"), room, about, communityId);
  for (const one of [composer, answer]) one.enabled = about.open;
  $("#show-mode").hidden = !room.mode || !may(room.role, "set_mode");
  $("#online").hidden = room.state !== "live";
  $("#online").textContent = counted("room.online", room.online);
  if (room.timeout?.until) setTimeout(showState, Math.min(Math.max(0, Date.parse(room.timeout.until) - Date.now()) + 500, 3_600_000));
}
room.on("state", showState);
room.on("about", showState);

$("#show-mode").addEventListener("click", () => changeMode(room));
for (const kind of ["pins", "people"]) $(`#show-${kind}`).addEventListener("click", ({ currentTarget }) => side.toggle(kind, currentTarget));

async function begin() {
  if (!client.user) return;
  showState();
  drawUnsent();
  if (client.io) room.open();
  const [community] = await Promise.all([
    client.request("GET", `/communities/${communityId}`),
    staff.load(communityId).then(() => list.redrawAll(), () => {}),
    // The first paint does not wait for the socket; what comes with it takes the place of this.
    asked ? null : client.request("GET", `/rooms/${roomId}/messages`).then(({ data }) => room.show(data), () => {}),
  ]);
  showNames(community.data);
}

/** What the community and its rooms are called now. A room that is read and in no list is archived. */
function showNames({ name, rooms }) {
  const here = rooms.find(({ id }) => id === Number(roomId));
  const called = here && roomName(here.name);
  listed = rooms;
  room.archived = !here;
  $("#community-name").textContent = name;
  $("#room-name").textContent = called ?? t("room.title");
  $("#messages").setAttribute("aria-label", t("room.messages", { name: called ?? "" }));
  composer.label = t("room.write.to", { name: called ?? name });
  document.title = `${called ?? t("room.title")} · ${name} · MyPick`;
  $("#rooms").replaceChildren(...roomLinks(communityId, rooms, Number(roomId)));
  showState();
}

begin().catch(() => {}); // the room itself says why one is out
