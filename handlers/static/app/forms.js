/** @file Forms: checked before they are sent, errors beside their fields, the first one gets the focus. */
import { $ } from "./dom.js";
import { describe, fieldProblems } from "./problems.js";
import { t } from "./texts.js";

/**
 * Sends `form` through `send(values)`. While it runs the form cannot be sent again.
 *
 * @param {HTMLFormElement} form
 * @param {object} options
 * @param {(values: Record<string, string>) => Promise<void>} options.send
 * @param {string} [options.situation] see `describe`
 * @param {(form: HTMLFormElement) => Record<string, string>} [options.check] more problems, by field
 */
export function wireForm(form, { send, situation, check = () => ({}) }) {
  for (const input of form.elements) {
    input.addEventListener("input", () => input.name && mark(form, input.name, null));
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    const problems = { ...nativeProblems(form), ...check(form) };
    if (show(form, problems)) return;
    say(form, null);
    busy(form, true);
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      if (!error.code) throw error;
      if (situation === "source" && ["INVALID", "NOT_FOUND"].includes(error.code)) {
        show(form, { source: describe(error, situation) });
        return;
      }
      const found = error.code === "INVALID" ? fieldProblems(error) : {};
      const known = Object.keys(found).some((name) => form.querySelector(`[data-field="${CSS.escape(name)}"]`));
      if (known) show(form, found);
      say(form, known ? t("problem.check") : describe(error, situation));
    } finally {
      busy(form, false);
    }
  });
}

function nativeProblems(form) {
  const problems = {};
  for (const input of form.elements) {
    if (!input.name || !input.validity || input.validity.valid) continue;
    problems[input.name] ??= whatIsWrong(input);
  }
  for (const input of form.querySelectorAll("input[required]")) {
    if (input.value.trim() === "") problems[input.name] = t("problem.field.required");
  }
  return problems;
}

function whatIsWrong({ validity, minLength, maxLength, min, max, type }) {
  if (validity.valueMissing) return t("problem.field.required");
  if (validity.tooShort) return t("problem.field.short", { count: minLength });
  if (validity.tooLong) return t("problem.field.long", { count: maxLength });
  if (validity.rangeUnderflow || validity.rangeOverflow) return t("problem.field.range", { min, max });
  if (validity.typeMismatch) return t(type === "url" ? "problem.field.url" : "problem.field.email");
  return t("problem.field.other");
}

function show(form, problems) {
  const names = new Set([...form.elements].map((input) => input.name).filter(Boolean));
  for (const name of names) mark(form, name, problems[name] ?? null);
  const first = [...form.elements].find((input) => problems[input.name]);
  first?.focus();
  return Boolean(first);
}

/** Shows or clears the message of one field. */
function mark(form, name, message) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!field) return;
  for (const input of field.querySelectorAll("input, select, textarea")) {
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  const line = $(".field-error", field);
  if (!line) return;
  line.textContent = message ?? "";
  line.hidden = !message;
}

/** Shows or clears the message of the whole form. */
export function say(form, message) {
  const box = $(".form-error", form);
  box.textContent = message ?? "";
  box.hidden = !message;
}

function busy(form, on) {
  form.setAttribute("aria-busy", String(on));
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", String(on));
}

/** Adds a button that shows and hides what is typed. */
export function revealable(input) {
  const button = document.createElement("button");
  const label = () => {
    const shown = input.type === "text";
    button.textContent = t(shown ? "field.password.hide" : "field.password.show");
  };
  button.type = "button";
  button.className = "link-button reveal";
  button.addEventListener("click", () => {
    input.type = input.type === "text" ? "password" : "text";
    label();
  });
  label();
  input.after(button);
}
