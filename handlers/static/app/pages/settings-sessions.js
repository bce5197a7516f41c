import { client } from "../client.js";
import { $, el } from "../dom.js";
import { skeleton } from "../lists.js";
import { describe, problemBox } from "../problems.js";
import { t, timeElement } from "../texts.js";
import { toast } from "../toast.js";

const BROWSERS = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** `Chrome, Windows` out of what a browser calls itself; of a program, the beginning of it. */
export function deviceName(agent) {
  const find = (table) => table.find(([pattern]) => pattern.test(agent))?.[1];
  const named = [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(", ");
  return named || agent?.slice(0, 40) || t("settings.sessions.unknown");
}

export async function showSessions() {
  const box = $("#session-list");
  if (!box.children.length) box.replaceChildren(skeleton("line"));
  try {
    const { data } = await client.request("GET", "/users/me/sessions");
    box.replaceChildren(el("ul", { class: "rows" }, ...data.map(row)));
  } catch (error) {
    box.replaceChildren(problemBox(error, showSessions));
  }
}

function row(session) {
  const name = deviceName(session.user_agent ?? "");
  const [before, after] = t("settings.sessions.used", { when: "\u0000" }).split("\u0000");
  const end = async () => {
    try {
      await client.request("DELETE", `/users/me/sessions/${session.id}`);
      toast({ text: t("settings.sessions.ended"), kind: "good" });
      await showSessions();
      $("#sessions-title").setAttribute("tabindex", "-1");
      $("#sessions-title").focus();
    } catch (error) {
      toast({ text: describe(error), kind: "bad" });
    }
  };
  return el(
    "li",
    { class: "row" },
    el("div", { class: "grow" }, el("b", { title: session.user_agent }, name), el("p", { class: "muted" }, session.address, " · ", before, timeElement(session.last_used_at), after)),
    session.current
      ? el("span", { class: "badge here" }, t("settings.sessions.current"))
      : el("button", { type: "button", class: "button quiet small", "aria-label": t("settings.sessions.endName", { name }), on: { click: end } }, t("settings.sessions.end")),
  );
}
