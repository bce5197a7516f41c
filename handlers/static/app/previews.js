/** @file What is behind the first link of a text, in words alone: a picture would tell a stranger's server who reads. */
import { el, webAddress } from "./dom.js";

export function linkPreview(found) {
  const address = found && webAddress(found.url);
  if (!address || !found.title) return null;
  return el("a", { class: "preview", href: address, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, el("small", {}, found.site || new URL(address).host), el("b", {}, found.title), found.description && el("span", {}, found.description));
}
