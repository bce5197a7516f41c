/**
 * @file What can be done to one message: a small bar in the row that is pointed at or has the focus, and a menu.
 */
import { el, icon } from "../dom.js";
import { openMenu, popover } from "../menus.js";
import { t } from "../texts.js";
import { authorName } from "./row.js";

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
const EMOJI = [...QUICK, "🔥", "👏", "🙏", "💯", "✨", "🥹", "🤣", "😍", "🥰", "😭", "😅", "😎", "🤔", "🙌", "💪", "👀", "👋", "🫡", "🫶", "💜", "💙", "💚", "🌙", "⭐", "🎶", "🍿", "☕", "🐱"];

/**
 * @param {import("../../mypick/timeline.js").Message} message
 * @param {() => object} may what one may do now: `write`, `react`, `edit`, `remove`, `pin`, `report`, `timeout`, `ban`
 * @param {(name: string, message: object, extra?: any) => void} run
 */
export function actionBar(message, may, run) {
  const can = may();
  const button = (name, symbol, properties = {}) =>
    el("button", { type: "button", class: "bar-button", "aria-label": t(`message.${name}`), title: t(`message.${name}`), data: { key: `bar-${name}` }, on: { click: () => run(name, message) }, ...properties }, icon(symbol));
  const more = button("more", "more", { "aria-haspopup": "menu", "aria-expanded": "false" });
  more.addEventListener("click", () => openMenu(more, menuItems(message, may(), run), t("message.actions", { name: authorName(message) })));
  const react = button("react", "smile", { "aria-haspopup": "true" });
  react.addEventListener("click", () => openEmoji(react, (emoji) => run("emoji", message, emoji)));
  return el("div", { class: "bar", role: "toolbar", "aria-label": t("message.actions", { name: authorName(message) }) }, can.react && react, can.write && button("reply", "reply"), button("thread", "thread"), more);
}

function menuItems(message, can, run) {
  const items = [
    can.write && "reply",
    "thread",
    can.edit && "edit",
    "copy",
    can.pin && (message.pinned ? "unpin" : "pin"),
    can.report && "report",
    can.remove && "delete",
    can.timeout && "timeout",
    can.ban && "ban",
    can.ban && "unban",
  ];
  return items.filter(Boolean).map((name) => ({ name, word: t(`message.${name}`), bad: ["delete", "timeout", "ban"].includes(name), run: () => run(name, message) }));
}

function openEmoji(button, choose) {
  const grid = el(
    "div",
    { class: "menu emoji", role: "group", "aria-label": t("emoji.choose") },
    ...EMOJI.map((emoji, index) => el("button", { type: "button", tabindex: index ? "-1" : "0", on: { click: () => (close(), choose(emoji)) } }, emoji)),
  );
  const close = popover(button, grid, (event) => {
    const all = [...grid.children];
    const across = Math.max(1, Math.round(grid.clientWidth / all[0].offsetWidth));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (!step) return false;
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    return true;
  });
}
