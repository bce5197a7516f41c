/** @file A list that is read page by page: skeletons first, then items, an empty state, or what went wrong. */
import { announce, el } from "./dom.js";
import { problemBox } from "./problems.js";
import { t } from "./texts.js";

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
  #seen = new Set();

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
    const elements = answer.data.filter((item) => !this.#seen.has(item.id ?? item.user?.id)).map((item) => this.#element(item));
    this.list.append(...elements);
    this.options.onPage?.(answer);
    if (first && !this.list.children.length) {
      this.box.replaceChildren(this.options.empty());
      return;
    }
    if (first) this.box.replaceChildren(this.list, this.foot);
    if (this.#cursor !== null) {
      const more = el("button", { type: "button", class: "button quiet", on: { click: () => this.more() } }, t("state.more"));
      this.foot.replaceChildren(more);
      this.watcher.observe(this.foot);
    } else {
      this.foot.replaceChildren(...(first ? [] : [el("p", { class: "muted" }, t("state.end"))]));
      if (!first) announce(t("state.end"));
    }
  }

  #element(item) {
    this.#seen.add(item.id ?? item.user?.id);
    return this.options.draw(item);
  }
}

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
