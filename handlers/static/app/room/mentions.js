/** @file The list of people that opens behind an `@` in a box: arrows choose, Enter or Tab takes, Escape leaves. */
import { avatar, el } from "../dom.js";

/** Asked for so long after the last key, ms. */
const QUIET_MS = 150;
const MAX_QUERY = 30;

export class MentionList {
  #timer = null;
  #people = [];
  #chosen = 0;
  #asked = 0;

  constructor(input, list, find, onTake) {
    Object.assign(this, { input, list, find, onTake });
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.addEventListener("input", () => this.#soon());
    input.addEventListener("blur", () => this.#close());
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) this.#take(this.#people[[...list.children].indexOf(option)]);
    });
  }

  /** Whether the key was for the list. */
  key(event) {
    if (this.list.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#choose((this.#chosen + step + this.#people.length) % this.#people.length);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#people[this.#chosen]);
    else if (event.key === "Escape") this.#close();
    else return false;
    event.preventDefault();
    return true;
  }

  /** What stands between an `@` and the cursor. */
  #query() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const found = /(?:^|\s)@([^\s@]*)$/u.exec(before);
    return found && found[1].length <= MAX_QUERY ? found[1] : null;
  }

  #soon() {
    clearTimeout(this.#timer);
    if (this.#query() === null) this.#close();
    else this.#timer = setTimeout(() => this.#ask(), QUIET_MS);
  }

  async #ask() {
    const [query, asked] = [this.#query(), (this.#asked += 1)];
    if (query === null) return;
    const people = await this.find(query).catch(() => []);
    if (asked !== this.#asked || this.#query() !== query) return;
    this.#people = people;
    if (!people.length) {
      this.#close();
      return;
    }
    this.list.replaceChildren(
      ...people.map((person, index) => el("li", { role: "option", id: `${this.list.id}-${index}` }, avatar(person.name, person.avatar_url, "small"), person.name)),
    );
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#choose(0);
  }

  #choose(index) {
    this.#chosen = index;
    for (const [at, option] of [...this.list.children].entries()) option.setAttribute("aria-selected", String(at === index));
    this.input.setAttribute("aria-activedescendant", `${this.list.id}-${index}`);
    this.list.children[index]?.scrollIntoView({ block: "nearest" });
  }

  #take(person) {
    const end = this.input.selectionStart;
    const start = end - this.#query().length - 1;
    this.input.setRangeText(`@${person.name} `, start, end, "end");
    this.onTake(person);
    this.#close();
    this.input.dispatchEvent(new Event("input"));
  }

  #close() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
