/** @file Making elements. Text reaches the page through `textContent` alone, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

export const $ = (selector, root = document) => root.querySelector(selector);

/**
 * Makes an element. Properties: `class`, `data`, `on` (listeners), `true`/`false` for attributes without a value, all
 * else as attributes. Children: elements, text, and `null` or `false` for nothing.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A picture of icons.svg, hidden from screen readers: the text beside it says it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", new URL("../icons.svg", import.meta.url).pathname + `#${name}`);
  svg.append(use);
  return svg;
}

/** `value` if it is an address of the web, else `null`: what platforms and people give is not trusted. */
export function webAddress(value) {
  try {
    const url = new URL(value, location.origin);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A picture that disappears if it cannot be loaded, so that what lies under it shows. */
export function picture(address, properties = {}) {
  const source = address ? webAddress(address) : null;
  if (!source) return null;
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer", ...properties });
  image.addEventListener("error", () => image.remove());
  image.src = source;
  return image;
}

/** A round picture over the first letter of the name. */
export function avatar(name, address, size = "") {
  const tone = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  const letter = [...name.trim()][0]?.toUpperCase() ?? "?";
  return el("span", { class: `avatar tone-${tone} ${size}`, "aria-hidden": "true" }, letter, picture(address));
}

/** What was said is taken away after this, so that who reads through the page does not meet it a second time, ms. */
const SAID_MS = 3_000;
let saying = null;

/** Says something to screen readers without moving the focus. */
export function announce(text) {
  const box = $("#announcer");
  clearTimeout(saying);
  box.textContent = "";
  saying = setTimeout(() => {
    box.textContent = text; // the same words twice are said twice
    saying = setTimeout(() => (box.textContent = ""), SAID_MS);
  }, 50);
}
