/** @file A video, a live stream or a post as a card; a creator as a row; the button to follow. */
import { client, goToSignIn } from "./client.js";
import { announce, avatar, el, icon, picture, webAddress } from "./dom.js";
import { isVideo, openParty } from "./party/open.js";
import { describe } from "./problems.js";
import { counted, duration, shortNumber, t, timeElement, timeWithin } from "./texts.js";
import { outside, toast } from "./toast.js";

export function contentCard(item, { withCreator = true } = {}) {
  const address = webAddress(item.url) ?? `/creators/${item.creator.id}`;
  const details = [];
  if (item.live_status === "upcoming" && item.starts_at) details.push(el("span", {}, ...timeWithin("card.starts", item.starts_at)));
  else details.push(timeElement(item.published_at));
  if (item.view_count !== null && item.view_count !== undefined) {
    details.push(t("card.views", { n: item.view_count, count: shortNumber(item.view_count) }));
  }
  return el(
    "li",
    { class: "card", data: { id: item.id } },
    el(
      "a",
      { class: "card-link", href: address, ...outside(address) },
      el("span", { class: `card-picture kind-${item.kind}` }, icon(item.kind === "post" ? "post" : "play"), picture(item.image_url), badge(item)),
      el("span", { class: "card-title" }, item.title, outside(address).target && el("span", { class: "visually-hidden" }, ` (${t("card.newTab")})`)),
    ),
    el(
      "div",
      { class: "card-foot" },
      withCreator && avatar(item.creator.name, item.creator.avatar_url, "small"),
      el(
        "div",
        { class: "card-meta" },
        withCreator && el("a", { href: `/creators/${item.creator.id}`, class: "card-creator" }, item.creator.name),
        el("span", { class: "muted" }, ...details.flatMap((detail, index) => (index ? [" · ", detail] : [detail]))),
      ),
      isVideo(item) && client.user && togetherButton(item),
    ),
  );
}

function togetherButton(item) {
  const words = t("card.together");
  return el(
    "button",
    { type: "button", class: "icon-button together", title: words, on: { click: () => openParty(item) } },
    icon("party"),
    el("span", { class: "visually-hidden" }, `${words}: ${item.title}`),
  );
}

function badge(item) {
  if (item.live_status === "live") return el("span", { class: "badge live" }, t("card.live"));
  if (item.live_status === "upcoming") return el("span", { class: "badge upcoming" }, t("card.upcoming"));
  if (item.live_status === "ended") return el("span", { class: "badge" }, t("card.ended"));
  if (item.kind === "post") return el("span", { class: "badge" }, t("card.post"));
  if (item.kind === "short") return el("span", { class: "badge" }, t("card.short"));
  return item.duration_s ? el("span", { class: "badge" }, duration(item.duration_s)) : null;
}

export function creatorRow(creator) {
  const count = el("span", { class: "muted" });
  const draw = () => (count.textContent = counted("creator.followers", creator.subscriber_count, { short: true }));
  draw();
  return el(
    "li",
    { class: "creator", data: { id: creator.id } },
    el(
      "a",
      { class: "creator-link", href: `/creators/${creator.id}` },
      avatar(creator.name, creator.avatar_url),
      el("span", { class: "creator-text" }, el("span", { class: "creator-name" }, creator.name), " ", count),
    ),
    followButton(creator, draw),
  );
}

/** A switch: pressed means followed. It changes at once, and back if the server refuses. */
export function followButton(creator, onChange = () => {}) {
  const button = el("button", { type: "button", class: "button small follow" });
  const draw = () => {
    const on = creator.subscribed;
    button.setAttribute("aria-pressed", String(Boolean(on)));
    button.title = t(on ? "creator.unfollow" : "creator.followName", { name: creator.name });
    const word = on ? [icon("check"), t("creator.following")] : [t("creator.follow")];
    button.replaceChildren(...word, el("span", { class: "visually-hidden" }, ` ${creator.name}`));
    button.classList.toggle("quiet", Boolean(on));
  };
  const set = (on) => {
    creator.subscriber_count = Math.max(0, creator.subscriber_count + (on ? 1 : -1));
    creator.subscribed = on;
    draw();
    onChange();
  };
  let running = false;
  button.addEventListener("click", async () => {
    if (!client.user) return goToSignIn("first");
    if (running) return;
    running = true;
    const on = !creator.subscribed;
    set(on);
    try {
      await client.request(on ? "POST" : "DELETE", `/creators/${creator.id}/subscribe`);
      announce(t(on ? "creator.followed" : "creator.unfollowed", { name: creator.name }));
    } catch (error) {
      set(!on);
      toast({ text: describe(error, "follow"), kind: "bad" });
    } finally {
      running = false;
    }
  });
  draw();
  return button;
}
