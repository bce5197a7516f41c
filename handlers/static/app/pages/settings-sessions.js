import { client } from "../client.js";
import { $, el } from "../dom.js";
import { skeleton } from "../lists.js";
import { describe, problemBox } from "../problems.js";
import { counted, t, timeWithin } from "../texts.js";
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
    $("#end-others").hidden = data.every((session) => session.current);
  } catch (error) {
    box.replaceChildren(problemBox(error, showSessions));
  }
}

export function wireEndOthers() {
  $("#end-others").addEventListener("click", async () => {
    try {
      const { data } = await client.request("DELETE", "/users/me/sessions");
      toast({ text: counted("settings.sessions.othersEnded", data.ended), kind: "good" });
      await showSessions();
      focusTitle();
    } catch (error) {
      toast({ text: describe(error), kind: "bad" });
    }
  });
}

/** What had the focus is gone: it goes where the section begins. */
function focusTitle() {
  $("#sessions-title").setAttribute("tabindex", "-1");
  $("#sessions-title").focus();
}

function row(session) {
  const name = deviceName(session.user_agent ?? "");
  const end = async () => {
    try {
      await client.request("DELETE", `/users/me/sessions/${session.id}`);
      toast({ text: t("settings.sessions.ended"), kind: "good" });
      await showSessions();
      focusTitle();
    } catch (error) {
      toast({ text: describe(error), kind: "bad" });
    }
  };
  return el(
    "li",
    { class: "row" },
    el("div", { class: "grow" }, el("b", { title: session.user_agent }, name), el("p", { class: "muted" }, session.address, " · ", ...timeWithin("settings.sessions.used", session.last_used_at))),
    session.current
      ? el("span", { class: "badge here" }, t("settings.sessions.current"))
      : el("button", { type: "button", class: "button quiet small", "aria-label": t("settings.sessions.endName", { name }), on: { click: end } }, t("settings.sessions.end")),
  );
}
