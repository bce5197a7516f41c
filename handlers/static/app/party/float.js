/** @file Reactions that rise over the picture; for whom motion is too much they stand there a moment. */
import { el } from "../dom.js";

/** On the picture at once; more than these nobody can tell apart. */
const MAX_SHOWN = 24;
/** Of one emoji in one gathering; beyond that its number says it. */
const MAX_EACH = 5;
/** How long one is seen; the style sheet's animation lasts as long, ms. */
const SHOWN_MS = 3_200;

export class Float {
  constructor(box, random = Math.random) {
    Object.assign(this, { box, random });
  }

  /** @param {Record<string, number>} counts of one gathering */
  show(counts) {
    for (const [emoji, count] of Object.entries(counts)) {
      const single = count <= MAX_EACH;
      for (let n = 0; n < (single ? count : 1); n += 1) this.#rise(emoji, single ? null : count);
    }
  }

  #rise(emoji, count) {
    if (this.box.children.length >= MAX_SHOWN) this.box.firstElementChild.remove();
    const one = el("span", {}, emoji, count && el("small", {}, `×${count}`));
    one.style.left = `${8 + this.random() * 80}%`;
    one.style.setProperty("--sway", `${Math.round(this.random() * 60 - 30)}px`);
    one.style.animationDelay = `${Math.round(this.random() * 220)}ms`;
    this.box.append(one);
    setTimeout(() => one.remove(), SHOWN_MS + 220);
  }
}
