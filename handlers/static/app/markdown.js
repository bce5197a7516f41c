/**
 * @file The small markdown of messages. Text is stored plain; here it becomes elements, made one by one, and text
 * reaches them through `textContent` alone: nothing that somebody writes is ever read as markup.
 *
 * `**bold**`, `*italic*` or `_italic_`, `~~strike~~`, `||spoiler||`, `` `code` ``, ``` blocks of code ```, `> quote`,
 * addresses of http and https, and `<@17>`. No links behind other words: a reader sees where an address leads.
 */

/** Marks within marks, at most so deep; what is deeper stays as it is written. */
const MAX_DEPTH = 4;
/** As the server has it; what is longer is shown plain. */
const MAX_TEXT = 2_000;

const MARKS = [
  ["**", "strong"],
  ["~~", "s"],
  ["||", "spoiler"],
  ["*", "em"],
  ["_", "em"],
];
const NEXT = /`|\*\*|~~|\|\||\*|_|<@[1-9]\d{0,18}>|https?:\/\//gi;
const ADDRESS = /https?:\/\/[^\s<>"'`|*\\^{}]+/iy;
/** What stands behind an address rather than in it. */
const BEHIND = /[.,;:!?)\]}~_…。、]+$/;
const WORD = /[\p{L}\p{N}]/u;

const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
};

/**
 * The text of a message as elements. `mentions` are the people that it names, as the server gives them: `{id, name}`.
 * `words.spoiler` is what a closed spoiler is called.
 *
 * @returns {DocumentFragment}
 */
export function renderText(text, mentions = [], words = {}) {
  const whole = String(text);
  const fragment = document.createDocumentFragment();
  if (whole.length > 2 * MAX_TEXT) {
    fragment.append(whole); // a code point is at most two units
    return fragment;
  }
  const names = new Map(mentions.map((person) => [String(person.id), String(person.name)]));
  const context = { names, spoiler: words.spoiler ?? "…" };
  // odd parts stand between two fences; a fence without another is text
  const parts = whole.split("```");
  if (parts.length % 2 === 0) {
    const last = parts.pop();
    parts[parts.length - 1] += "```" + last;
  }
  parts.forEach((part, number) => {
    if (number % 2) fragment.append(make("pre", "", make("code", "", part.replace(/^\n|\n$/g, ""))));
    else appendLines(fragment, part, context);
  });
  return fragment;
}

function appendLines(parent, text, context) {
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at].startsWith("> ")) {
      const quoted = [];
      while (at < lines.length && lines[at].startsWith("> ")) quoted.push(lines[at++].slice(2));
      at -= 1;
      const quote = make("blockquote", "");
      quoted.forEach((line, number) => {
        if (number) quote.append(make("br"));
        appendInline(quote, line, context, 0);
      });
      parent.append(quote);
      continue;
    }
    if (at && !(parent.lastChild instanceof HTMLQuoteElement)) parent.append(make("br"));
    appendInline(parent, lines[at], context, 0);
  }
}

function appendInline(parent, text, context, depth) {
  let plain = 0;
  const next = new RegExp(NEXT);
  for (let found = next.exec(text); found; found = next.exec(text)) {
    const made = elementAt(text, found.index, found[0], context, depth);
    if (!made) {
      next.lastIndex = found.index + found[0].length;
      continue;
    }
    if (found.index > plain) parent.append(text.slice(plain, found.index));
    parent.append(made.node);
    plain = next.lastIndex = made.end;
  }
  if (plain < text.length) parent.append(text.slice(plain));
}

/** The element that begins at `start` and where it ends, or nothing where the sign there means itself. */
function elementAt(text, start, sign, context, depth) {
  if (sign === "`") {
    const end = text.indexOf("`", start + 1);
    return end > start + 1 ? { node: make("code", "", text.slice(start + 1, end)), end: end + 1 } : null;
  }
  if (sign.startsWith("<@")) {
    const mention = make("span", "mention", `@${context.names.get(sign.slice(2, -1)) ?? "…"}`);
    return { node: mention, end: start + sign.length };
  }
  if (/^http/i.test(sign)) return link(text, start);
  if (depth >= MAX_DEPTH) return null;
  const [mark, tag] = MARKS.find(([one]) => one === sign);
  const inner = start + mark.length;
  const end = closing(text, mark, inner);
  if (end < 0) return null;
  const node = tag === "spoiler" ? spoiler(context) : make(tag, "");
  appendInline(node.inside ?? node, text.slice(inner, end), context, depth + 1);
  return { node: node.outside ?? node, end: end + mark.length };
}

/** Where `mark` closes: behind something that is no blank, and `_` not within a word (`snake_case_name`). */
function closing(text, mark, inner) {
  if (inner >= text.length || /\s/.test(text[inner])) return -1;
  if (mark === "_" && inner > 1 && WORD.test(text[inner - 2])) return -1;
  for (let end = text.indexOf(mark, inner + 1); end > 0; end = text.indexOf(mark, end + 1)) {
    if (mark === "*" && text[end + 1] === "*") {
      end += 1; // bold within italic
      continue;
    }
    if (/\s/.test(text[end - 1])) continue;
    if (mark === "_" && WORD.test(text[end + 1] ?? "")) continue;
    return end;
  }
  return -1;
}

function link(text, start) {
  const address = new RegExp(ADDRESS);
  address.lastIndex = start;
  const written = address.exec(text)?.[0].replace(BEHIND, "");
  let url;
  try {
    url = new URL(written);
  } catch {
    return null;
  }
  // a name before the host (https://bank.example@evil.example) is there to deceive
  if (!["http:", "https:"].includes(url.protocol) || url.username || url.password || !url.host) return null;
  const anchor = make("a", "link", make("span", "host", url.host));
  // the host as the browser will ask for it, look-alikes and all
  const rest = url.href.slice(url.origin.length);
  if (rest !== "/") anchor.append(rest);
  anchor.href = url.href;
  anchor.rel = "noopener noreferrer nofollow ugc";
  anchor.target = "_blank";
  return { node: anchor, end: start + written.length };
}

/** A spoiler is closed for eyes and for screen readers until it is clicked, or entered with the keyboard. */
function spoiler(context) {
  const inside = make("span", "spoiler-text");
  const button = make("button", "spoiler-open", context.spoiler);
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  inside.hidden = true;
  button.addEventListener("click", () => {
    inside.hidden = !inside.hidden;
    button.setAttribute("aria-expanded", String(!inside.hidden));
  });
  return { outside: make("span", "spoiler", button, inside), inside };
}
