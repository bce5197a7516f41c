import { client } from "../client.js";
import { $ } from "../dom.js";
import { inbox, matches } from "../inbox.js";
import { PagedList, emptyBox } from "../lists.js";
import { markRead, noticeRow } from "../notices.js";

/** Scrolled further than this, the top of the list is out of sight, px. */
const TOP_PX = 300;

let filter = "all";
let nothing = true; // as far as is known: an inbox that never had anything needs no "mark all as read"
const shown = new Map();

const row = (item) => {
  shown.set(item.id, item);
  return noticeRow(item, { withButton: true });
};
const list = new PagedList($("#list"), {
  class: "notices wide",
  load: (cursor, signal) =>
    client.request("GET", "/notifications", null, { query: { unread: filter === "unread" ? true : null, cursor, limit: 30 }, signal }),
  draw: row,
  onPage: ({ data }) => {
    if (data.length || filter === "all") nothing = data.length === 0 && shown.size === 0;
    showMarkAll();
  },
  empty: () => (filter === "unread" ? emptyBox("notifications.empty.unread.title", "notifications.empty.unread.text") : emptyBox("notifications.empty.title", "notifications.empty.text")),
});

for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    filter = button.dataset.filter;
    for (const other of document.querySelectorAll("[data-filter]")) other.setAttribute("aria-pressed", String(other === button));
    list.reload();
  });
}

const markAll = $("#mark-all");
markAll.addEventListener("click", () => {
  const newest = Math.max(0, ...[...shown.values()].map((item) => item.seq), ...inbox.items.map((item) => item.seq));
  markRead({ upto_seq: newest });
});
function showMarkAll() {
  markAll.hidden = nothing && inbox.unread === 0;
  markAll.disabled = inbox.unread === 0;
}
inbox.addEventListener("change", showMarkAll);
inbox.addEventListener("arrival", ({ detail }) => {
  nothing = false;
  list.prepend([{ ...detail, read: false }]);
});
document.addEventListener("arrived", (event) => {
  if (scrollY < TOP_PX) event.preventDefault(); // the list has just put it on top
});
inbox.addEventListener("reset", () => list.reload());
inbox.addEventListener("read", ({ detail: which }) => {
  for (const [id, item] of shown) {
    if (item.read || !matches(item, which)) continue;
    const read = { ...item, read: true };
    const old = list.list.querySelector(`[data-id="${CSS.escape(String(id))}"]`);
    const focused = old?.contains(document.activeElement);
    const fresh = row(read);
    old?.replaceWith(fresh);
    if (focused) fresh.querySelector("a").focus();
  }
});

if (client.user) list.reload();
