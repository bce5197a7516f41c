/** @file The rooms: opened, renamed, put in order, archived, and how one writes in each. */
import { newId } from "../../mypick/errors.js";
import { client } from "../client.js";
import { ask, field } from "../dialogs.js";
import { $, announce, el, icon } from "../dom.js";
import { wireForm } from "../forms.js";
import { skeleton } from "../lists.js";
import { problemBox } from "../problems.js";
import { lasting } from "../room/notice.js";
import { attempt, changeMode } from "../room/moderating.js";
import { roomName } from "../room/rooms.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

export function startRooms(place) {
  const box = $("#room-list");
  let rooms = [];

  async function refresh() {
    if (!box.children.length) box.replaceChildren(skeleton("line"));
    try {
      rooms = (await client.request("GET", `${place.path}/rooms`)).data.map((room) => ({ ...room, name: roomName(room.name) }));
      place.about.rooms = rooms;
      draw();
    } catch (error) {
      box.replaceChildren(problemBox(error, refresh, "rooms"));
    }
  }

  /** Draws all rows; the button that was pressed keeps the focus. */
  function draw() {
    const { key } = box.contains(document.activeElement) ? document.activeElement.dataset : {};
    box.replaceChildren(el("ul", { class: "rows" }, ...rooms.map(row)));
    if (!key) return;
    const button = $(`[data-key="${key}"]`, box);
    (button && !button.disabled ? button : button?.closest(".row")?.querySelector("button:not(:disabled)"))?.focus();
  }

  function row(room, at) {
    const { id, name, kind, archived } = room;
    const button = (word, run, properties = {}) => el("button", { type: "button", class: "button quiet small", "aria-label": t(`manage.rooms.${word}Name`, { name }), data: { key: `${word}-${id}` }, on: { click: run }, ...properties }, t(`manage.rooms.${word}`));
    const arrow = (word, step, sign) =>
      el("button", { type: "button", class: `icon-button ${word}`, "aria-label": t(`manage.rooms.${word}`, { name }), data: { key: `${word}-${id}` }, disabled: !rooms[at + step], on: { click: () => move(at, step) } }, icon(sign));
    return el(
      "li",
      { class: archived ? "row room-row archived" : "row room-row", data: { id } },
      icon(kind === "staff" ? "lock" : "talk"),
      el(
        "div",
        { class: "grow" },
        el("b", {}, name),
        " ",
        kind === "staff" && el("span", { class: "role" }, t("manage.rooms.staff")),
        archived && el("span", { class: "role" }, t("manage.rooms.archived")),
        el("div", { class: "muted" }, modeWords(room.mode)),
      ),
      el("div", { class: "arrows" }, arrow("up", -1, "up"), arrow("down", 1, "down")),
      el(
        "div",
        { class: "row-ends" },
        !archived && button("mode", () => mode(room)),
        button("rename", () => rename(room)),
        archived ? button("restore", () => archive(room, false)) : button("archive", () => archive(room, true), { class: "button quiet small danger" }),
      ),
    );
  }

  async function move(at, step) {
    const order = rooms.map(({ id }) => id);
    const { name } = rooms[at];
    order.splice(at + step, 0, ...order.splice(at, 1));
    const done = await attempt(() => client.request("PUT", `${place.path}/rooms/order`, { room_ids: order }), null, "rooms");
    if (!done) return refresh();
    rooms = order.map((id) => rooms.find((room) => room.id === id));
    place.about.rooms = rooms;
    draw();
    announce(t("manage.rooms.moved", { name, place: at + step + 1, count: rooms.length }));
  }

  async function mode({ id, name, mode }) {
    const setMode = (changes) => client.request("PATCH", `/rooms/${id}/mode`, { cid: newId(), ...changes });
    if (await changeMode({ name, mode, setMode })) await refresh();
  }

  async function rename({ id, name }) {
    const answer = await ask({ title: t("manage.rooms.renameName", { name }), fields: [field("name", t("manage.rooms.name"), { value: name, required: true, maxlength: 80 })], submit: t("message.save") });
    if (!answer || answer.name.trim() === name) return;
    await change(id, { name: answer.name.trim() }, t("settings.saved"));
  }

  async function archive({ id, name }, archived) {
    if (archived && !(await ask({ title: t("manage.rooms.archive.title", { name }), text: t("manage.rooms.archive.text"), submit: t("manage.rooms.archive"), danger: true }))) return;
    await change(id, { archived }, t(archived ? "manage.rooms.archive.done" : "manage.rooms.restore.done", { name }));
  }

  async function change(id, changes, done) {
    await attempt(() => client.request("PATCH", `/rooms/${id}`, changes), done, "rooms");
    await refresh();
  }

  const form = $("#room-form");
  wireForm(form, {
    situation: "rooms",
    send: async (values) => {
      const { data } = await client.request("POST", `${place.path}/rooms`, { name: values["room-name"].trim(), kind: values["room-kind"] });
      form.reset();
      toast({ text: t("manage.rooms.created", { name: data.name }), kind: "good" });
      await refresh();
    },
  });
  return refresh;
}

function modeWords({ slow_seconds: slow, members_only: members, follow_minutes: follow, unique_text: unique, locked, previews }) {
  const words = [
    locked && t("manage.mode.locked"),
    slow > 0 && t("manage.mode.slow", { count: slow }),
    members && t("manage.mode.members"),
    follow > 0 && t("manage.mode.follow", { time: lasting(follow) }),
    unique && t("manage.mode.unique"),
    !previews && t("manage.mode.previews"),
  ].filter(Boolean);
  return words.length ? words.join(" · ") : t("manage.mode.open");
}
