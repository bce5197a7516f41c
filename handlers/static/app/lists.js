/** @file A list that is read page by page: skeletons first, then items, an empty state, or what went wrong. */
import { announce, el } from "./dom.js";
import { problemBox } from "./problems.js";
import { t } from "./texts.js";

/** More than so many items are not read anew: who has gone down so far is reading. */
const MOST_RENEWED = 60;
const FOCUSABLE = "a[href], button";

const SKELETONS = { card: 6, creator: 6, notice: 5, line: 2 };

/**
 * @param {HTMLElement} box
 * @param {object} options
 * @param {(cursor: string | null, signal: AbortSignal) => Promise<{data: any[], pagination: any}>} options.load
 * @param {(item: any) => HTMLElement} options.draw
 * @param {() => HTMLElement} options.empty
 * @param {string} options.class of the list element
 * @param {(answer: any) => void} [options.onPage]
 */
export class PagedList {
  #cursor = null;
  #loading = null;
  #renewing = null;
  #seen = new Map(); // by id: the element, and what it was drawn from

  constructor(box, options) {
    this.box = box;
    this.options = options;
    this.list = el("ul", { class: options.class });
    this.foot = el("div", { class: "list-foot" });
    this.watcher = new IntersectionObserver(([entry]) => entry.isIntersecting && this.more(), { rootMargin: "600px" });
  }

  /** Begins anew. */
  async reload() {
    this.#loading?.abort();
    this.#loading = null;
    this.#renewing?.abort();
    this.#cursor = null;
    this.#seen.clear();
    this.list.replaceChildren();
    this.box.replaceChildren(skeleton(this.box.dataset.skeleton));
    this.box.setAttribute("aria-busy", "true");
    await this.#read(true);
  }

  more() {
    return this.#loading || this.#cursor === null ? null : this.#read(false);
  }

  /**
   * Reads anew what is shown and changes only what is different: nothing flickers, and the focus stays.
   * @returns {Promise<any[] | null>} items that were not there before; `null` where nothing could be read
   */
  async renew() {
    if (this.#loading || this.#seen.size > MOST_RENEWED) return [];
    this.#renewing?.abort();
    const renewing = (this.#renewing = new AbortController());
    const items = [];
    let cursor = null;
    try {
      do {
        const answer = await this.options.load(cursor, renewing.signal);
        if (renewing.signal.aborted) return [];
        items.push(...answer.data);
        cursor = answer.pagination?.next_cursor ?? null;
      } while (cursor !== null && items.length < this.#seen.size);
    } catch {
      return renewing.signal.aborted ? [] : null; // what is shown stays: it was true a moment ago
    }
    return this.#replace(items, cursor);
  }

  /** Puts items on top that are not there yet; returns their elements. */
  prepend(items) {
    const fresh = items.filter((item) => !this.#seen.has(item.id));
    const elements = fresh.map((item) => this.#element(item));
    if (!elements.length) return [];
    if (!this.list.isConnected) this.box.replaceChildren(this.list, this.foot);
    this.list.prepend(...elements);
    return elements;
  }

  knows(id) {
    return this.#seen.has(id);
  }

  async #read(first) {
    const loading = new AbortController();
    this.#renewing?.abort();
    this.#loading = loading;
    this.watcher.disconnect();
    if (!first) this.foot.replaceChildren(el("p", { class: "muted" }, t("state.loading")));
    try {
      const answer = await this.options.load(this.#cursor, loading.signal);
      if (loading.signal.aborted) return;
      this.#loading = null;
      this.#show(answer, first);
    } catch (error) {
      if (loading.signal.aborted) return;
      this.#loading = null;
      const box = problemBox(error, () => (first ? this.reload() : this.more()));
      if (first) this.box.replaceChildren(box);
      else this.foot.replaceChildren(box);
    } finally {
      if (this.#loading === null) this.box.removeAttribute("aria-busy");
    }
  }

  #show(answer, first) {
    this.#cursor = answer.pagination?.next_cursor ?? null;
    const elements = answer.data.filter((item) => !this.#seen.has(idOf(item))).map((item) => this.#element(item));
    this.list.append(...elements);
    this.options.onPage?.(answer);
    if (first && !this.list.children.length) {
      this.box.replaceChildren(this.options.empty());
      return;
    }
    if (first) this.box.replaceChildren(this.list, this.foot);
    this.#showFoot(first);
    if (!first && this.#cursor === null) announce(t("state.end"));
  }

  #showFoot(first) {
    this.watcher.disconnect();
    if (this.#cursor !== null) {
      const more = el("button", { type: "button", class: "button quiet", on: { click: () => this.more() } }, t("state.more"));
      this.foot.replaceChildren(more);
      this.watcher.observe(this.foot);
    } else this.foot.replaceChildren(...(first ? [] : [el("p", { class: "muted" }, t("state.end"))]));
  }

  #replace(items, cursor) {
    const before = this.#seen;
    const held = this.list.contains(document.activeElement) ? document.activeElement : null;
    const row = held && [...this.list.children].find((one) => one.contains(held));
    const place = held && { row: [...this.list.children].indexOf(row), within: [...row.querySelectorAll(FOCUSABLE)].indexOf(held) };
    const rowId = held && [...before].find(([, known]) => known.element === row)?.[0];
    this.#seen = new Map();
    const fresh = items.filter((item) => !before.has(idOf(item)));
    for (const item of items) {
      const known = before.get(idOf(item));
      if (known?.from === JSON.stringify(item)) this.#seen.set(idOf(item), known);
      else this.#element(item);
    }
    const rows = [...this.#seen.values()].map(({ element }) => element);
    for (const [at, element] of rows.entries()) if (this.list.children[at] !== element) this.list.insertBefore(element, this.list.children[at] ?? null);
    while (this.list.children.length > rows.length) this.list.lastElementChild.remove();
    const sameEnd = this.#cursor === cursor;
    this.#cursor = cursor;
    if (!rows.length) this.box.replaceChildren(this.options.empty());
    else if (!this.list.isConnected) this.box.replaceChildren(this.list, this.foot);
    if (rows.length && !sameEnd) this.#showFoot(true);
    if (held && document.activeElement !== held) {
      // moved elements lose the focus, those drawn anew never had it; of one that is gone the next in its place has it
      const now = this.#seen.get(rowId)?.element ?? rows[Math.min(place.row, rows.length - 1)];
      const wanted = now?.querySelectorAll(FOCUSABLE);
      (wanted?.[place.within] ?? wanted?.[0])?.focus({ preventScroll: true });
    }
    return fresh;
  }

  #element(item) {
    const element = this.options.draw(item);
    this.#seen.set(idOf(item), { element, from: JSON.stringify(item) });
    return element;
  }
}

const idOf = (item) => item.id ?? item.user?.id ?? item.party?.id;

/** Grey shapes where something will be, and one word for screen readers. */
export function skeleton(kind = "line") {
  const shapes = Array.from({ length: SKELETONS[kind] ?? 2 }, () =>
    el("div", { class: `skeleton-${kind}`, "aria-hidden": "true" }, el("span", { class: "skeleton block" }), el("span", { class: "skeleton line w80" }), el("span", { class: "skeleton line w40" })),
  );
  return el("div", { class: `skeletons skeletons-${kind}` }, el("p", { class: "visually-hidden", role: "status" }, t("state.loading")), ...shapes);
}

export function emptyBox(titleKey, textKey, { values = {}, action = null, level = "h3" } = {}) {
  return el("div", { class: "empty" }, el(level, {}, t(titleKey, values)), el("p", {}, t(textKey, values)), action);
}
