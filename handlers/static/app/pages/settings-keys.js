import { client } from "../client.js";
import { $, el } from "../dom.js";
import { wireForm } from "../forms.js";
import { skeleton } from "../lists.js";
import { describe, problemBox } from "../problems.js";
import { t, timeWithin } from "../texts.js";
import { toast } from "../toast.js";

export function showKeys() {
  const form = $("#key-form");
  wireForm(form, {
    situation: "keys",
    check: () => (form.querySelector("[name=scopes]:checked") ? {} : { scopes: t("problem.field.scopes") }),
    send: async ({ name }) => {
      const scopes = [...form.querySelectorAll("[name=scopes]:checked")].map((input) => input.value);
      const { data } = await client.request("POST", "/users/me/api-keys", { name: name.trim(), scopes });
      form.reset();
      showOnce(data.key);
      await load();
    },
  });
  load();
}

function showOnce(key) {
  const box = $("#new-key");
  const text = el("code", {}, key);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(key);
      toast({ text: t("settings.keys.copied"), kind: "good" });
    } catch {
      getSelection().selectAllChildren(text);
      toast({ text: t("settings.keys.copyFailed"), kind: "bad" });
    }
  };
  const button = el("button", { type: "button", class: "button small", on: { click: copy } }, t("settings.keys.copy"));
  box.replaceChildren(el("p", {}, t("settings.keys.once")), el("div", { class: "secret-line" }, text, button));
  box.hidden = false;
  box.focus();
}

async function load() {
  const box = $("#key-list");
  if (!box.children.length) box.replaceChildren(skeleton("line"));
  try {
    const { data } = await client.request("GET", "/users/me/api-keys");
    box.replaceChildren(data.length ? el("ul", { class: "rows" }, ...data.map(row)) : el("p", { class: "muted" }, t("settings.keys.none")));
  } catch (error) {
    box.replaceChildren(problemBox(error, load));
  }
}

function row(key) {
  const revoke = async () => {
    try {
      await client.request("DELETE", `/users/me/api-keys/${key.id}`);
      toast({ text: t("settings.keys.revoked", { name: key.name }), kind: "good" });
      $("#new-key").hidden = true;
      await load();
      $("#keys-title").setAttribute("tabindex", "-1");
      $("#keys-title").focus();
    } catch (error) {
      toast({ text: describe(error), kind: "bad" });
    }
  };
  return el(
    "li",
    { class: "row" },
    el(
      "div",
      { class: "grow" },
      el("b", {}, key.name),
      " ",
      el("code", { class: "muted" }, `${key.prefix}…`),
      el("p", { class: "muted" }, key.scopes.map((scope) => t(`settings.keys.scope.${scope}`)).join(", "), " · ", ...(key.last_used_at ? timeWithin("settings.sessions.used", key.last_used_at) : [t("settings.keys.neverUsed")])),
    ),
    el("button", { type: "button", class: "button quiet small danger", "aria-label": t("settings.keys.revokeName", { name: key.name }), on: { click: revoke } }, t("settings.keys.revoke")),
  );
}
