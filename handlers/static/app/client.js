/** @file The one client of this page, and what happens when a session begins or ends. */
import { MyPick } from "../mypick.js";
import { language } from "./texts.js";

export const client = new MyPick();

const root = document.documentElement;

client.on("session", (reason, user) => {
  root.dataset.session = user ? "in" : "out";
  if (reason === "ended") goToSignIn("ended");
  if (reason === "signed-out" && needsSession()) location.replace("/");
});

const needsSession = () => ["feed", "communities", "community", "room", "discussion", "desk", "manage", "invite", "parties", "party", "search", "notifications", "settings"].includes(root.dataset.page);

export function goToSignIn(why = "first") {
  const next = location.pathname + location.search;
  location.replace(`/sign-in?why=${why}&next=${encodeURIComponent(next)}`);
}

/** Where to go after signing in: only a path of this site, whatever the address bar says. */
export function nextPath() {
  const next = new URLSearchParams(location.search).get("next") ?? "";
  const url = new URL(next.startsWith("/") ? next : "/feed", location.origin);
  return url.origin === location.origin ? url.pathname + url.search : "/feed";
}

export const setLanguageCookie = (code) => {
  document.cookie = `lang=${code}; Path=/; Max-Age=31536000; SameSite=Lax`;
};

/** Takes the profile's language for this browser. */
export function followProfileLanguage(user) {
  if (user.locale && user.locale !== language) setLanguageCookie(user.locale);
}

export async function saveProfile(changes) {
  const { data } = await client.request("PATCH", "/users/me", changes);
  client.session.updateUser(data);
  return data;
}
