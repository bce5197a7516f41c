/**
 * @file Where one writes. Enter sends, unless a Korean (or other) syllable is still being composed or a thumb types;
 * Shift and Enter begins a line. What is written is kept as a draft until it is sent.
 */
import { $, el, icon } from "../dom.js";
import { t } from "../texts.js";
import { MentionList } from "./mentions.js";

/** Drafts kept, the oldest goes first; each has at most 2,000 characters. */
const MAX_DRAFTS = 40;
const DRAFTS = "mypick.drafts";

export class Composer {
  #timer = null;
  #blockedUntil = 0;
  #named = new Map(); // "@name" → id, of people chosen from the list

  /**
   * @param {HTMLFormElement} form
   * @param {object} options
   * @param {(text: string, mentions: {id: number, name: string}[]) => boolean} options.send whether it was taken
   * @param {() => void} options.typing
   * @param {(q: string) => Promise<{id: number, name: string, avatar_url: string | null}[]>} options.people
   * @param {string} options.draftKey
   * @param {() => void} [options.editLast] arrow up in an empty box
   * @param {() => void} [options.leave] Escape
   */
  constructor(form, options) {
    Object.assign(this, { form, options, input: $("textarea", form), button: $(".send", form), about: $(".composer-about", form) });
    this.mentions = new MentionList(this.input, $(".mentions", form), options.people, (person) => this.#named.set(`@${person.name}`, person.id));
    this.input.value = readDrafts()[options.draftKey] ?? "";
    this.input.addEventListener("input", () => this.#changed(true));
    this.input.addEventListener("keydown", (event) => this.#key(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.#changed(false);
  }

  set enabled(on) {
    this.input.disabled = !on;
    this.#showButton();
  }

  set label(text) {
    this.input.placeholder = text;
    $("label", this.form).textContent = text;
  }

  focus() {
    this.input.focus();
  }

  /** Takes words into the box, before what is there. */
  put(text) {
    this.input.value = [text, this.input.value].filter(Boolean).join("\n");
    this.#changed(false);
    this.input.focus();
  }

  /** Says above the box what is written to; `null` for nothing. */
  setAbout(text, cancel) {
    this.about.hidden = text === null;
    this.about.replaceChildren(
      ...(text === null ? [] : [icon("reply"), el("span", { class: "grow" }, text), el("button", { type: "button", class: "icon-button", "aria-label": t("message.cancel"), on: { click: cancel } }, icon("close"))]),
    );
  }

  /** Slow mode: nothing is sent for so long. */
  block(ms) {
    this.#blockedUntil = Math.max(this.#blockedUntil, performance.now() + ms);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#showButton(), 250);
    this.#showButton();
  }

  submit() {
    const typed = this.input.value.trim();
    if (!typed || this.input.disabled || performance.now() < this.#blockedUntil) return;
    const [text, mentions] = encodeMentions(typed, this.#named);
    if (!this.options.send(text, mentions)) return;
    this.input.value = "";
    this.#named.clear();
    this.#changed(false);
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // a syllable is being composed: its Enter ends it
    if (this.mentions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !matchMedia("(pointer: coarse)").matches) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && this.input.value === "") {
      event.preventDefault();
      this.options.editLast?.();
    } else if (event.key === "Escape") this.options.leave?.();
  }

  #changed(byTyping) {
    const { input } = this;
    if (!("fieldSizing" in input.style)) {
      input.style.height = "auto";
      input.style.height = `${Math.min(input.scrollHeight + 2, 180)}px`;
    }
    writeDraft(this.options.draftKey, input.value);
    if (byTyping && input.value.trim()) this.options.typing();
    this.#showButton();
  }

  #showButton() {
    const left = Math.ceil((this.#blockedUntil - performance.now()) / 1000);
    const wait = $(".wait", this.button);
    wait.hidden = left <= 0;
    wait.textContent = left > 0 ? t("room.wait", { count: left }) : "";
    $(".icon", this.button).toggleAttribute("hidden", left > 0);
    this.button.disabled = this.input.disabled || left > 0;
    if (left <= 0) clearInterval(this.#timer);
  }
}

/** `@name` of people who were chosen as `<@id>`, the longest names first: one may begin as another. */
export function encodeMentions(text, named) {
  const mentions = [];
  for (const [name, id] of [...named].sort(([a], [b]) => b.length - a.length)) {
    if (!text.includes(name)) continue;
    text = text.replaceAll(name, `<@${id}>`);
    mentions.push({ id, name: name.slice(1) });
  }
  return [text, mentions];
}

function readDrafts() {
  try {
    return JSON.parse(localStorage.getItem(DRAFTS) ?? "{}");
  } catch {
    return {};
  }
}

function writeDraft(key, text) {
  const { [key]: _, ...others } = readDrafts();
  const kept = Object.entries(text ? { ...others, [key]: text } : others).slice(-MAX_DRAFTS);
  try {
    localStorage.setItem(DRAFTS, JSON.stringify(Object.fromEntries(kept)));
  } catch {
    // The storage is full or forbidden: the draft lives as long as the page.
  }
}
