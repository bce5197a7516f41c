/**
 * @file A list of any length of which a bounded part stands in the document. It grows at the edge towards which one
 * scrolls and shrinks at the other; what is being read stays where it is.
 */

/** Rows in the document, and rows put there or taken away at once. */
const MAX_ROWS = 160;
const STEP = 30;
/** Nearer to an edge of what stands there than so many heights of the view, the list grows. */
const AHEAD = 2;
/** Nearer to the end than this one reads what is said now, px. */
const END_PX = 60;

/**
 * @typedef {object} Source
 * @property {any[]} items all that is held, in order
 * @property {(item: any) => number} indexOf
 * @property {boolean} older there is more before the first
 * @property {boolean} newer there is more behind the last
 * @property {() => Promise<unknown>} loadOlder
 * @property {() => Promise<unknown>} loadNewer
 */

export class WindowedList {
  #rows = []; // {item, element}, a stretch of the items
  #busy = false;
  #frame = null;
  #ended = true; // as one saw it last: kept through every change of sizes
  #top = 0; // px, where the view stood then

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} list
   * @param {Source} source
   * @param {object} options
   * @param {(item: any, before: any) => HTMLElement} options.draw `before` is the item before it, or null
   * @param {() => void} options.onScroll
   */
  constructor(scroller, list, source, { draw, onScroll }) {
    Object.assign(this, { scroller, list, source, draw, onScroll });
    scroller.addEventListener("scroll", () => this.#soon(), { passive: true });
    this.sizes = new ResizeObserver(() => this.#readsEnd() && this.toEnd());
    this.sizes.observe(scroller);
  }

  get first() {
    return this.#rows[0]?.item ?? null;
  }

  get last() {
    return this.#rows.at(-1)?.item ?? null;
  }

  get size() {
    return this.#rows.length;
  }

  /** Whether one reads what is said now. */
  get atEnd() {
    return this.#endStands && this.#nearEnd;
  }

  get #nearEnd() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < END_PX;
  }

  get #endStands() {
    return !this.source.newer && this.last === (this.source.items.at(-1) ?? null);
  }

  /** Whether one read the end before what changes now. A scroll counts at once: the frame that tells of it may be late. */
  #readsEnd(stood = this.#endStands) {
    if (this.scroller.scrollTop !== this.#top) this.#see(stood && this.#nearEnd);
    return this.#ended;
  }

  #see(ended) {
    this.#ended = ended;
    this.#top = this.scroller.scrollTop;
  }

  element(item) {
    return this.#rows.find((row) => row.item === item)?.element ?? null;
  }

  itemOf(element) {
    const row = element?.closest?.("[data-row]");
    return this.#rows.find((one) => one.element === row)?.item ?? null;
  }

  /** The row beside that of `item`, drawn first if need be. */
  beside(item, step) {
    const index = this.#rows.findIndex((row) => row.item === item) + step;
    if (index < 0) this.#grow(-1);
    else if (index >= this.#rows.length) this.#grow(1);
    return this.#rows[this.#rows.findIndex((row) => row.item === item) + step]?.element ?? null;
  }

  /** Draws anew: the end, or what is around `item`, which is then in the middle of the view. */
  reset(item = null) {
    const { items } = this.source;
    const middle = item ? this.source.indexOf(item) : items.length;
    const from = Math.max(0, middle - STEP * 2);
    this.#rows = items.slice(from, middle + STEP * 2).map((one, offset) => this.#row(one, items[from + offset - 1]));
    this.list.replaceChildren(...this.#rows.map((row) => row.element));
    if (item) this.element(item)?.scrollIntoView({ block: "center" });
    else this.toEnd();
    this.#soon();
  }

  toEnd() {
    if (!this.#endStands && !this.source.newer) {
      this.reset();
      return;
    }
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#see(this.#endStands);
  }

  /** Items were put behind the last. One who reads the end goes on reading the end. */
  appended(count) {
    const { items } = this.source;
    const follows = this.last === (items[items.length - count - 1] ?? null);
    const ended = this.#readsEnd(follows && !this.source.newer);
    if (!follows || (!ended && this.#rows.length >= MAX_ROWS)) return; // it is drawn when one comes there
    const fresh = items.slice(-count).map((item, index) => this.#row(item, items[items.length - count + index - 1]));
    this.#rows.push(...fresh);
    this.list.append(...fresh.map((row) => row.element));
    if (!ended) return;
    this.#shrink(-1);
    this.toEnd();
  }

  /** An item changed, or how it shall be drawn. The row itself stays, and with it the focus. */
  changed(item) {
    const row = this.#rows.find((one) => one.item === item);
    if (row) this.#keeping(() => this.#redraw(row));
  }

  redrawAll() {
    this.#keeping(() => this.#rows.forEach((row) => this.#redraw(row)));
  }

  #redraw(row) {
    const fresh = this.draw(row.item, this.source.items[this.source.indexOf(row.item) - 1] ?? null);
    const focused = row.element.contains(document.activeElement) ? document.activeElement : null;
    const key = focused?.dataset.key;
    // A field in which somebody writes moves over as it is, with what was written; so does what acts on the row.
    const [written, place, bar] = [row.element.querySelector(".edit-place"), fresh.querySelector(".edit-place"), row.element.querySelector(".bar")];
    if (written?.firstChild && place) place.replaceWith(written);
    if (bar) fresh.append(bar);
    row.element.className = fresh.className;
    row.element.replaceChildren(...fresh.childNodes);
    if (focused && focused !== row.element) {
      const again = key && [...row.element.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
      (again ?? row.element).focus({ preventScroll: true });
    }
  }

  #row(item, before) {
    const element = this.draw(item, before ?? null);
    element.dataset.row = "";
    element.tabIndex = -1;
    return { item, element };
  }

  #soon() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#look();
    });
  }

  #look() {
    this.#see(this.atEnd);
    this.onScroll();
    if (this.#busy) return;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    if (!clientHeight) return;
    const near = clientHeight * AHEAD;
    if (scrollTop < near && this.#more(-1)) return;
    if (scrollHeight - scrollTop - clientHeight < near) this.#more(1);
  }

  /** Grows by what is held, else asks for more. Whether anything came of it. */
  #more(side) {
    if (this.#grow(side)) {
      this.#soon();
      return true;
    }
    const there = side < 0 ? this.source.older : this.source.newer;
    if (!there) return false;
    this.#busy = true;
    const load = side < 0 ? this.source.loadOlder() : this.source.loadNewer();
    load.then(
      () => {
        this.#busy = false;
        this.#soon();
      },
      () => setTimeout(() => (this.#busy = false), 2_000), // the next scroll asks again
    );
    return true;
  }

  #grow(side) {
    const { items } = this.source;
    if (!this.#rows.length) {
      if (items.length) this.reset();
      return items.length > 0;
    }
    const edge = this.source.indexOf(side < 0 ? this.first : this.last);
    if (edge < 0) {
      this.reset(); // what stood there is held no more
      return true;
    }
    const [from, to] = side < 0 ? [Math.max(0, edge - STEP), edge] : [edge + 1, edge + 1 + STEP];
    const fresh = items.slice(from, to);
    if (!fresh.length) return false;
    const rows = fresh.map((item, index) => this.#row(item, items[from + index - 1]));
    const elements = rows.map((row) => row.element);
    this.#keeping(() => {
      if (side < 0) {
        const boundary = this.#rows[0];
        this.#rows.unshift(...rows);
        this.list.prepend(...elements);
        this.#redraw(boundary); // it stood first and may now follow one of the same author
      } else {
        this.#rows.push(...rows);
        this.list.append(...elements);
      }
      this.#shrink(-side);
    });
    return true;
  }

  #shrink(side) {
    const over = this.#rows.length - MAX_ROWS;
    if (over <= 0) return;
    const gone = side < 0 ? this.#rows.splice(0, over) : this.#rows.splice(-over);
    const focused = gone.some((row) => row.element.contains(document.activeElement));
    for (const row of gone) row.element.remove();
    if (focused) this.scroller.focus({ preventScroll: true });
  }

  /** Changes rows so that the first one in view stays where it is. */
  #keeping(change) {
    if (this.#readsEnd()) {
      change();
      this.toEnd();
      return;
    }
    const view = this.scroller.getBoundingClientRect();
    const anchor = this.#rows.find((row) => row.element.getBoundingClientRect().bottom > view.top)?.element;
    const before = anchor?.getBoundingClientRect();
    // By its lower edge: what is read stands below, and the row itself may change its height (an author's name goes).
    const edge = before && before.bottom <= view.bottom ? "bottom" : "top";
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect()[edge] - before[edge];
  }
}
