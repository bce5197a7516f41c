/** @file The rooms of a community as links, with what is unread. */
import { el, icon } from "../dom.js";
import { t } from "../texts.js";

/** What the server calls the first room of each community, until somebody gives it a name. */
const FIRST = "chat";

/** A room's name as people see it: the first one's is in their language. */
export const roomName = (name) => (name === FIRST ? t("room.first") : name);

export const roomLinks = (communityId, rooms, current = null) =>
  rooms.map(({ id, name, unread }) =>
    el(
      "li",
      {},
      el(
        "a",
        { href: `/communities/${communityId}/rooms/${id}`, class: "room-link", "aria-current": id === current ? "page" : null },
        icon("talk"),
        el("span", { class: "grow" }, roomName(name)),
        unread > 0 && id !== current && el("span", { class: "unread", "aria-label": t("community.unread", { count: unread }) }, unread > 999 ? "999+" : String(unread)),
      ),
    ),
  );
