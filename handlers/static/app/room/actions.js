/**
 * @file What can be done to one message: a small bar in the row that is pointed at or has the focus, and a menu.
 */
import { el, icon } from "../dom.js";
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

let closeOpen = () => {};

function openMenu(button, items, label) {
  const menu = el(
    "div",
    { class: "menu", role: "menu", "aria-label": label },
    ...items.map(({ name, word, bad, run }) =>
      el("button", { type: "button", role: "menuitem", tabindex: "-1", class: bad ? "bad" : "", data: { name }, on: { click: () => (close(), run()) } }, word),
    ),
  );
  const close = popover(button, menu, (event) => {
    const all = [...menu.children];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return false;
    all[to].focus();
    return true;
  });
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

/** Shows `box` beside `button` until something is chosen, Escape is pressed or one looks elsewhere. */
function popover(button, box, key) {
  closeOpen();
  const close = (giveBack = true) => {
    box.remove();
    removeEventListener("pointerdown", elsewhere, true);
    removeEventListener("resize", close);
    button.setAttribute("aria-expanded", "false");
    closeOpen = () => {};
    if (giveBack && button.isConnected) button.focus({ preventScroll: true });
  };
  const elsewhere = (event) => box.contains(event.target) || close(false);
  closeOpen = () => close(false);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (!key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(box);
  const at = button.getBoundingClientRect();
  const [width, height] = [box.offsetWidth, box.offsetHeight];
  box.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, at.right - width))}px`;
  box.style.top = `${at.bottom + height + 8 < innerHeight ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
  addEventListener("pointerdown", elsewhere, true);
  addEventListener("resize", close);
  button.setAttribute("aria-expanded", "true");
  box.firstElementChild.focus({ preventScroll: true });
  return close;
}
