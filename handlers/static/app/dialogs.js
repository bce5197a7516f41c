/** @file A question in a dialog: some words, some fields, two buttons. The focus comes back to where it was. */
import { el } from "./dom.js";
import { t } from "./texts.js";

/**
 * @param {object} question
 * @param {string} question.title
 * @param {string} [question.text]
 * @param {HTMLElement[]} [question.fields] with names; see `field` and `choice`
 * @param {string} question.submit
 * @param {boolean} [question.danger]
 * @returns {Promise<Record<string, string> | null>} the fields; `null` where it was left
 */
export function ask({ title, text = null, fields = [], submit, danger = false }) {
  return new Promise((resolve) => {
    const cancel = el("button", { type: "button", class: "button quiet" }, t("message.cancel"));
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", { id: "dialog-title" }, title),
      text && el("p", { class: "muted" }, text),
      ...fields,
      el("div", { class: "dialog-end" }, cancel, el("button", { type: "submit", class: danger ? "button bad" : "button" }, submit)),
    );
    const dialog = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form);
    const focused = document.activeElement;
    let answer = null;
    cancel.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", () => (answer = Object.fromEntries(new FormData(form))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (focused?.isConnected) focused.focus();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export const field = (name, label, properties = {}) =>
  el("div", { class: "field" }, el("label", { for: `dialog-${name}` }, label), el("input", { id: `dialog-${name}`, name, autocomplete: "off", ...properties }));

export const choice = (name, label, options) =>
  el(
    "div",
    { class: "field" },
    el("label", { for: `dialog-${name}` }, label),
    el("select", { id: `dialog-${name}`, name }, ...options.map(([value, text]) => el("option", { value }, text))),
  );

export const check = (name, label, on) => el("label", { class: "check" }, el("input", { type: "checkbox", name, checked: on }), el("span", {}, label));
