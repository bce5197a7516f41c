/** @file Purges under way, and how far each has come. */
import { client } from "../client.js";
import { $, announce, avatar, el } from "../dom.js";
import { PagedList } from "../lists.js";
import { t, timeElement } from "../texts.js";

export function startPurges(place) {
  /** What was last heard of each: an answer that was on its way meanwhile is older. Bound: purges of one visit. */
  const heard = new Map();
  const list = new PagedList($("#purge-list"), {
    class: "rows",
    load: (cursor, signal) => client.request("GET", `${place.path}/desk`, null, { query: { kind: "purge", cursor, limit: 30 }, signal }),
    draw: row,
    empty: () => el("p", { class: "muted" }, t("manage.purges.none")),
  });

  function row({ id, user, room_id: room, progress, created_at: at, over = false }) {
    const name = user?.name || t("message.gone");
    const drawn = el(
      "li",
      { class: "row purge", data: { id } },
      avatar(name, user?.avatar_url, "small"),
      el(
        "div",
        { class: "grow" },
        el("b", {}, name),
        " ",
        el("span", { class: "muted" }, room === null ? t("manage.purges.everywhere") : t("manage.purges.in", { room: place.nameOfRoom(room) ?? String(room) }), " · ", timeElement(at)),
        el("label", {}, el("span", { class: "muted said" }), el("progress", {})),
      ),
    );
    const later = heard.get(id);
    if (later) show(drawn, later.progress, later.waiting);
    else show(drawn, progress, !over);
    return drawn;
  }

  /** One that is over stays on the page until it is left, so that nobody wonders what became of it. */
  function show(drawn, { done, found }, waiting) {
    const bar = $("progress", drawn);
    bar.max = Math.max(found, done, 1);
    bar.value = waiting ? done : bar.max;
    $(".said", drawn).textContent = t(waiting ? "manage.purges.progress" : "manage.purges.done", { done, found: Math.max(found, done) });
  }

  place.watchers.purge = ({ id, waiting, progress }) => {
    heard.set(id, { waiting, progress });
    const drawn = $(`[data-id="${id}"]`, list.list);
    if (drawn) {
      show(drawn, progress, waiting);
      if (!waiting) announce(t("manage.purges.done", { done: progress.done }));
    } else if (waiting && !$("#purges").hidden) list.reload();
  };
  /** What was begun here is shown also where it was over before the list came. */
  async function own() {
    for (const [id, user] of place.begun) {
      if (list.knows(id)) continue;
      const { data } = await client.request("GET", `/purges/${id}`);
      list.prepend([{ id, user, room_id: data.room_id, progress: data, created_at: data.created_at, over: data.finished_at !== null }]);
    }
  }

  return async () => {
    await list.reload();
    await own().catch(() => {}); // the list itself says what does not work
  };
}
