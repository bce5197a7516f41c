"""The small part of Markdown in which the documents are written, as HTML: headings, paragraphs, lists, fenced code;
in them, bold and code. Everything else is text, and is shown as it stands."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

_FENCE = "```"
_HEADING = re.compile(r"(#{2,4}) +(.+)")
_ITEM = re.compile(r"[-*] +(.+)")
_CODE = re.compile(r"(`{1,2})(.+?)\1")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_NO_WORD = re.compile(r"[^a-z0-9]+")

Kind = Literal["heading", "paragraph", "item", "code"]


@dataclass(slots=True)
class _Block:
    kind: Kind
    text: str
    level: int = 0  # of a heading


def render(text: str) -> Markup:
    """``text`` as blocks. Line breaks within a paragraph or an item are spaces."""
    html = Markup()
    in_list = False
    for block in _blocks(text):
        if (block.kind == "item") is not in_list:
            in_list = not in_list
            html += Markup("<ul>") if in_list else Markup("</ul>")
        html += _html(block)
    return html + Markup("</ul>") if in_list else html


def headings(text: str) -> list[tuple[str, str]]:
    """Anchor and text of each heading of the upper level."""
    found = [block.text for block in _blocks(text) if block.kind == "heading" and block.level == 2]
    return [(_anchor(heading), heading) for heading in found]


def render_line(text: str) -> Markup:
    """``text`` without a block around it."""
    html, end = Markup(), 0
    for code in _CODE.finditer(text):
        html += _bold(text[end : code.start()]) + Markup("<code>{}</code>").format(code[2])
        end = code.end()
    return html + _bold(text[end:])


def _bold(text: str) -> Markup:
    # escaping adds no asterisk, so that it can come first
    return Markup(_BOLD.sub(r"<strong>\1</strong>", str(escape(text))))  # noqa: S704 - escaped right here


def _anchor(heading: str) -> str:
    return _NO_WORD.sub("-", heading.lower()).strip("-")


def _html(block: _Block) -> Markup:
    match block.kind:
        case "heading":
            tag = Markup(f"h{block.level}")  # noqa: S704 - a number
            return Markup('<{0} id="{1}">{2}</{0}>').format(tag, _anchor(block.text), render_line(block.text))
        case "code":
            return Markup('<pre tabindex="0"><code>{}</code></pre>').format(block.text)
        case "item":
            return Markup("<li>{}</li>").format(render_line(block.text))
        case "paragraph":
            return Markup("<p>{}</p>").format(render_line(block.text))


def _blocks(text: str) -> list[_Block]:
    found: list[_Block] = []
    lines = iter(text.splitlines())
    is_open = False  # the last block may grow
    for line in lines:
        stripped = line.strip()
        if stripped.startswith(_FENCE):
            found.append(_Block("code", "\n".join(itertools.takewhile(_is_no_fence, lines))))
            is_open = False
        elif not stripped:
            is_open = False
        elif heading := _HEADING.fullmatch(stripped):
            found.append(_Block("heading", heading[2], len(heading[1])))
            is_open = False
        elif item := _ITEM.fullmatch(stripped):
            found.append(_Block("item", item[1]))
            is_open = True
        elif is_open:
            found[-1].text += f" {stripped}"
        else:
            found.append(_Block("paragraph", stripped))
            is_open = True
    return found


def _is_no_fence(line: str) -> bool:
    return line.strip() != _FENCE
