import { startData } from "./settings-data.js";
import { client, saveProfile, setLanguageCookie } from "../client.js";
import { $, announce, el } from "../dom.js";
import { revealable, wireForm } from "../forms.js";
import { describe } from "../problems.js";
import { showKeys } from "./settings-keys.js";
import { showSessions, wireEndOthers } from "./settings-sessions.js";
import { language, t } from "../texts.js";
import { applyTheme } from "../theme.js";
import { toast } from "../toast.js";

const saved = () => toast({ text: t("settings.saved"), kind: "good" });

function profileForm() {
  const form = $("#profile-form");
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  const fill = (user) => {
    $("#who").textContent = t("settings.profile.email", { email: user.email });
    form.elements.display_name.value = user.display_name ?? "";
    form.elements.avatar_url.value = user.avatar_url ?? "";
    form.elements.locale.value = language; // the one in effect; the profile may name another
    const zone = user.timezone ?? "UTC";
    form.elements.timezone.replaceChildren(...[...new Set(["UTC", ...zones, zone])].sort().map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
    form.elements.timezone.value = zone;
    $("#password-form").elements.username.value = user.email;
  };
  fill(client.user);
  let touched = false; // what somebody has begun to change is not taken back by an answer that comes late
  form.addEventListener("input", () => (touched = true), { once: true });
  client.request("GET", "/users/me").then(({ data }) => {
    client.session.updateUser(data);
    if (!touched) fill(data);
  }, problem);
  wireForm(form, {
    check: ({ elements: { avatar_url: address } }) => (address.value && !/^https?:\/\//.test(address.value) ? { avatar_url: t("problem.field.url") } : {}),
    send: async ({ display_name, avatar_url, locale, timezone }) => {
      const user = await saveProfile({ display_name: display_name.trim(), avatar_url: avatar_url.trim() || null, locale, timezone });
      fill(user);
      setLanguageCookie(user.locale);
      if (user.locale !== language) location.reload();
      else saved();
    },
  });
}

/** A choice is kept as soon as it is made; if the server refuses, it goes back. */
function keepChoice(input, save) {
  input.addEventListener("change", async () => {
    try {
      await save(input.checked);
      announce(t("settings.saved"));
    } catch (error) {
      if (input.type === "checkbox") input.checked = !input.checked;
      problem(error);
    }
  });
}

async function choices() {
  const kinds = $("#kinds");
  const [wanted, settings] = await Promise.all([
    client.request("GET", "/notifications/settings"),
    client.request("GET", "/users/me/settings"),
  ]);
  for (const input of document.querySelectorAll("[data-group=kinds]")) {
    input.checked = wanted.data.kinds[input.name] ?? true;
    keepChoice(input, (on) => client.request("PATCH", "/notifications/settings", { kinds: { [input.name]: on } }));
  }
  for (const input of document.querySelectorAll("[data-group=settings]")) {
    input.checked = Boolean(settings.data[input.name]);
    keepChoice(input, async (on) => {
      if (input.name === "desktop_notifications" && on) await allowDesktop();
      const { data } = await client.request("PATCH", "/users/me/settings", { [input.name]: on });
      document.dispatchEvent(new CustomEvent("settings", { detail: data }));
    });
  }
  for (const input of document.querySelectorAll("[name=theme]")) {
    input.checked = input.value === (settings.data.theme ?? "auto");
    keepChoice(input, () => {
      applyTheme(input.value);
      return client.request("PATCH", "/users/me/settings", { theme: input.value });
    });
  }
  kinds.disabled = false;
}

async function allowDesktop() {
  const answer = await globalThis.Notification?.requestPermission();
  if (answer !== "granted") throw Object.assign(new Error(t("settings.desktop.refused")), { code: "LOCAL" });
}

function passwordForm() {
  const form = $("#password-form");
  revealable($("#new_password"));
  wireForm(form, {
    situation: "password",
    send: async ({ current_password, new_password }) => {
      await client.request("POST", "/users/me/password", { current_password, new_password });
      form.reset();
      form.elements.username.value = client.user.email;
      toast({ text: t("settings.password.changed"), kind: "good" });
      showSessions();
    },
  });
}

function problem(error) {
  toast({ text: error.code === "LOCAL" ? error.message : describe(error), kind: "bad" });
}

if (client.user) {
  profileForm();
  passwordForm();
  choices().catch(problem);
  wireEndOthers();
  showSessions();
  showKeys();
  $("#log-out").addEventListener("click", () => client.logOut());
}
if (client.user) startData();
