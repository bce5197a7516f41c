/** @file What every page has: header, bell, language, connection. */
import { startBell } from "./bell.js";
import { client, saveProfile, setLanguageCookie } from "./client.js";
import { $ } from "./dom.js";
import { inbox } from "./inbox.js";
import { keepTimes, t } from "./texts.js";
import { applyTheme } from "./theme.js";

/** A connection that is back sooner than this is not worth a word, ms. */
const PATIENCE_MS = 2_500;

let waiting = null;

function banner(text) {
  const box = $("#banner");
  box.hidden = !text;
  box.textContent = text ?? "";
}

function showConnection() {
  clearTimeout(waiting);
  if (!navigator.onLine) banner(t("state.offline"));
  else if (client.user && !client.io) banner(t("state.noLive"));
  else if (["reconnecting", "connecting", "draining"].includes(inbox.state)) {
    waiting = setTimeout(() => banner(t("state.reconnecting")), PATIENCE_MS);
  } else banner(null);
}

for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", async (event) => {
    if (!client.user) return; // the link itself does it
    event.preventDefault();
    setLanguageCookie(link.dataset.language);
    await saveProfile({ locale: link.dataset.language }).catch(() => {}); // the cookie is enough for this browser
    location.reload();
  });
}

inbox.addEventListener("state", showConnection);
addEventListener("online", showConnection);
addEventListener("offline", showConnection);
document.addEventListener("settings", ({ detail }) => detail.theme && applyTheme(detail.theme));

if (client.user) {
  startBell();
  inbox.start();
}
showConnection();
keepTimes();
