/** @file The bell in the header: count, list, toast, title, and words for screen readers. */
import { client } from "./client.js";
import { $, announce, el } from "./dom.js";
import { inbox } from "./inbox.js";
import { kindName, markRead, noticeRow } from "./notices.js";
import { problemBox } from "./problems.js";
import { t } from "./texts.js";
import { clearToasts, toast } from "./toast.js";

const SHOWN = 8;
/** Arrivals within this are told as one, ms. */
const GATHER_MS = 400;

let settings = { sounds: false, desktop_notifications: false };
let arrived = [];
let gathering = null;

export function startBell() {
  const button = $("#bell-button");
  const panel = $("#bell-panel");
  const open = (shown) => {
    panel.hidden = !shown;
    button.setAttribute("aria-expanded", String(shown));
    if (shown) {
      clearToasts(); // the list says what they said, and they would lie over it
      draw();
      inbox.fill().catch((error) => $("#bell-list").replaceChildren(problemBox(error, () => open(true))));
    }
  };
  button.addEventListener("click", () => open(panel.hidden));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    open(false);
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.hidden && !$("#bell").contains(event.target)) open(false);
  });
  $("#bell").addEventListener("focusout", (event) => {
    if (!panel.hidden && event.relatedTarget && !$("#bell").contains(event.relatedTarget)) open(false);
  });
  $("#bell-read-all").addEventListener("click", () => {
    inbox.markAllRead().catch((error) => toast({ text: error.message, kind: "bad" }));
    button.focus();
  });
  inbox.addEventListener("change", draw);
  inbox.addEventListener("arrival", ({ detail }) => gather(detail));
  loadSettings();
}

function draw() {
  const { unread } = inbox;
  for (const count of document.querySelectorAll("[data-unread]")) {
    count.hidden = unread === 0;
    count.textContent = unread > 99 ? "99+" : String(unread);
  }
  $("#bell-button").setAttribute("aria-label", unread ? t("bell.label", { count: unread }) : t("bell.labelNone"));
  $("#bell-read-all").hidden = unread === 0;
  const title = document.title.replace(/^\(\d+\+?\) /, ""); // a page may have changed the rest
  document.title = unread ? `(${unread > 99 ? "99+" : unread}) ${title}` : title;
  if ($("#bell-panel").hidden) return;
  const items = inbox.items.slice(0, SHOWN);
  const list = items.length
    ? el("ul", { class: "notices" }, ...items.map((item) => noticeRow(item)))
    : el("div", { class: "empty small" }, el("h3", {}, t("notifications.empty.title")), el("p", {}, t("notifications.empty.text")));
  $("#bell-list").replaceChildren(list);
}

function gather(event) {
  arrived.push(event);
  gathering ??= setTimeout(() => {
    const events = arrived;
    arrived = [];
    gathering = null;
    tell(events);
  }, GATHER_MS);
}

function tell(events) {
  const [{ id, data }] = events;
  const one = events.length === 1;
  // Of a video, title is the creator's name and body the video's title; an announcement may have no body.
  const text = one ? data.body || data.title : t("bell.arrivedMany", { count: events.length });
  const lead = one ? [kindName(data.kind), data.body && data.title].filter(Boolean).join(" · ") : null;
  const spoken = one ? t("bell.arrived", { title: `${lead}, ${text}` }) : text;
  if (document.visibilityState === "visible" && (!$("#bell-panel").hidden || shownByPage(events))) {
    announce(spoken); // the panel's list or the page shows it
    if (settings.sounds) ring();
  } else if (document.visibilityState === "visible") {
    toast({
      text,
      lead,
      url: one ? data.url : "/notifications",
      picture: one ? data.image_url : null,
      onOpen: () => one && markRead({ ids: [id] }),
      spoken,
    });
    if (settings.sounds) ring();
  } else if (settings.desktop_notifications && globalThis.Notification?.permission === "granted") {
    // Nothing is announced by a page that is not seen: the desktop says it. Tabs that show the same tag show it once.
    const shown = new Notification(lead ?? "MyPick", { body: text, tag: `mypick-${id}` });
    shown.addEventListener("click", () => window.focus());
  }
}

/** Whether the page itself shows all of `events`: the feed puts new cards on top. */
function shownByPage(events) {
  const question = new CustomEvent("arrived", { detail: events, cancelable: true });
  return !document.dispatchEvent(question);
}

async function loadSettings() {
  try {
    settings = (await client.request("GET", "/users/me/settings")).data;
    document.dispatchEvent(new CustomEvent("settings", { detail: settings }));
  } catch {
    // Without them the bell is silent; everything else works.
  }
}

/** Two short tones. A browser that wants a click first stays silent. */
function ring() {
  if (!navigator.userActivation?.hasBeenActive) return;
  const audio = new AudioContext();
  for (const [at, pitch] of [
    [0, 880],
    [0.12, 1174.7],
  ]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + at;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.06, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.32);
  }
  setTimeout(() => audio.close(), 800);
}
