/** @file What is played next, and what the guests want of it. */
import { el, icon, picture } from "../dom.js";
import { duration, t } from "../texts.js";

/**
 * @param {HTMLElement} box
 * @param {{items: object[], own: Set<number>}} queue as they will be played, and ids of what one voted for
 * @param {object} me `mayControl` and `mayRemove(entry)`
 * @param {(name: "vote" | "remove" | "load", entry: object) => void} run
 */
export function drawQueue(box, queue, me, run) {
  const focused = box.contains(document.activeElement) && [document.activeElement.closest("[data-id]")?.dataset.id, document.activeElement.dataset.do];
  box.replaceChildren(...(queue.items.length ? queue.items.map((entry) => row(entry, queue.own.has(entry.id), me, run)) : [el("li", { class: "muted" }, t("party.queue.empty"))]));
  if (focused?.[0]) box.querySelector(`[data-id="${focused[0]}"] [data-do="${focused[1]}"]`)?.focus();
}

function row(entry, voted, me, run) {
  const { content, votes } = entry;
  const title = content?.title ?? t("party.queue.gone");
  const button = (name, symbol) => el("button", { type: "button", class: "icon-button", "aria-label": t(`party.queue.${name}`, { title }), title: t(`party.queue.${name}`, { title }), data: { do: name }, on: { click: () => run(name, entry) } }, icon(symbol));
  return el(
    "li",
    { data: { id: entry.id } },
    el("span", { class: "thumb" }, icon("play"), picture(content?.image_url)),
    el("div", { class: "grow" }, el("b", {}, title), el("span", { class: "muted" }, [entry.added_by?.name, content?.duration_s && duration(content.duration_s)].filter(Boolean).join(" · "))),
    me.mayControl && content && button("load", "play"),
    me.mayRemove(entry) && button("remove", "close"),
    el("button", { type: "button", class: "vote", "aria-pressed": String(voted), "aria-label": t("party.queue.vote", { title, count: votes }), data: { do: "vote" }, on: { click: () => run("vote", entry) } }, icon("up"), String(votes)),
  );
}
