/** @file Menus and other boxes that open beside a button. One is open at a time. */
import { el } from "./dom.js";

let closeOpen = () => {};

/**
 * Things to do, one below the other; arrows walk through them.
 *
 * @param {{name: string, word: string, bad?: boolean, run: () => void}[]} items
 */
export function openMenu(button, items, label) {
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

/** Shows `box` beside `button` until something is chosen, Escape is pressed or one looks elsewhere. */
export function popover(button, box, key) {
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
