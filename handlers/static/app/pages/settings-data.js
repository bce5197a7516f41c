/** @file A person's data: gathered into a file with progress, or erased. */
import { client } from "../client.js";
import { ask, field } from "../dialogs.js";
import { $, el } from "../dom.js";
import { describe } from "../problems.js";
import { dateTime, t } from "../texts.js";
import { toast } from "../toast.js";

/** How often one asks how far it is, ms. */
const LOOK_MS = 1_500;
const KEY = "mypick.export";

const box = $("#export-state");
const button = $("#export");

async function look(id) {
  try {
    const { data } = await client.request("GET", `/users/me/exports/${id}`);
    button.disabled = ["waiting", "running"].includes(data.state);
    if (button.disabled) {
      const words = t("settings.data.progress", { done: data.sections_done, count: data.sections });
      box.replaceChildren(el("label", {}, words, el("progress", { value: data.sections_done, max: data.sections || 1 })));
      setTimeout(() => look(id), LOOK_MS);
    } else if (data.state === "ready" && data.download_url) {
      box.replaceChildren(el("p", {}, t("settings.data.ready"), " ", el("a", { href: data.download_url, download: true }, t("settings.data.download"))));
    } else if (data.state === "failed") box.textContent = t("settings.data.failed");
    else box.replaceChildren();
  } catch {
    button.disabled = false; // it is gone, or of another account
    localStorage.removeItem(KEY);
  }
}

export function startData() {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { data } = await client.request("POST", "/users/me/export");
      localStorage.setItem(KEY, String(data.id));
      look(data.id);
    } catch (error) {
      button.disabled = false;
      toast({ text: describe(error), kind: "bad" });
    }
  });
  $("#erase").addEventListener("click", async () => {
    const password = field("password", t("field.password"), { type: "password", required: true, autocomplete: "current-password", maxlength: 128 });
    const answer = await ask({ title: t("settings.data.erase"), text: t("settings.data.erase.text"), fields: [password], submit: t("message.delete"), danger: true });
    if (!answer) return;
    try {
      const { data } = await client.request("POST", "/users/me/erase", { password: answer.password });
      toast({ text: t("settings.data.erased", { when: dateTime(data.erases_at) }) });
      setTimeout(() => client.session.end("signed-out"), 4_000);
    } catch (error) {
      toast({ text: describe(error, "password"), kind: "bad" });
    }
  });
  const known = localStorage.getItem(KEY);
  if (known) look(known);
}
