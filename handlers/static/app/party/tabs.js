/** @file The tabs beside the picture: arrows move, one panel is shown. */
import { $ } from "../dom.js";

export class Tabs {
  #shown = "chat";

  /** @param {string[]} names @param {(name: string) => void} onShow */
  constructor(names, onShow) {
    Object.assign(this, { names, onShow });
    for (const name of names) {
      const tab = $(`#tab-${name}`);
      tab.addEventListener("click", () => this.show(name));
      tab.addEventListener("keydown", (event) => {
        const seen = names.filter((one) => !$(`#tab-${one}`).hidden);
        const at = seen.indexOf(name);
        const to = { ArrowRight: seen[(at + 1) % seen.length], ArrowLeft: seen.at(at - 1), Home: seen[0], End: seen.at(-1) }[event.key];
        if (!to) return;
        event.preventDefault();
        this.show(to);
        $(`#tab-${to}`).focus();
      });
    }
  }

  get shown() {
    return this.#shown;
  }

  show(name) {
    this.#shown = name;
    for (const one of this.names) {
      const on = one === name;
      $(`#tab-${one}`).setAttribute("aria-selected", String(on));
      $(`#tab-${one}`).tabIndex = on ? 0 : -1;
      $(`#panel-${one}`).hidden = !on;
    }
    this.onShow(name);
  }

  /** A number beside a name; `quiet` where nothing new is meant by it. */
  count(name, count, { quiet = false } = {}) {
    const box = $(".unread", $(`#tab-${name}`));
    box.hidden = count === 0;
    box.textContent = count > 999 ? "999+" : String(count);
    box.classList.toggle("quiet", quiet);
  }

  allow(name, on) {
    $(`#tab-${name}`).hidden = !on;
    if (!on && this.#shown === name) this.show("chat");
  }
}
