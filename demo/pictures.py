"""Pictures drawn on the spot, as SVG."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NARROW_EM = 0.6  # width of a Latin letter, in heights; East Asian ones are twice as wide
_LINES = 3
_MORE = "…"


def thumbnail(key: str, title: str) -> str:
    """640 × 360, with the whole ``title`` in up to three lines, or what of it fits and an ellipsis."""
    width, height, size = 640, 360, 34
    lines = wrapped(title, int(width * 0.86 / (size * _NARROW_EM)), _LINES)
    return _drawing(key, lines, width, height, size)


def avatar(key: str, name: str) -> str:
    """240 × 240, with the first letter of ``name``."""
    return _drawing(key, [name[:1]], 240, 240, 120)


def wrapped(text: str, limit: int, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines of at most ``limit`` narrow letters. Breaks between words; within one only
    where it is longer than a line. What does not fit is left out, whole words of it, and an ellipsis says so."""
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if _width(longer) <= limit:
            rows[-1] = longer
            continue
        if rows[-1]:
            rows.append("")
        for letter in word:
            if _width(rows[-1] + letter) > limit:
                rows.append("")
            rows[-1] += letter
    if len(rows) <= lines:
        return rows
    last = rows[lines - 1]
    while _width(last + _MORE) > limit:
        shorter, _, _ = last.rpartition(" ")
        last = shorter or last[:-1]
    return [*rows[: lines - 1], last + _MORE]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _drawing(key: str, lines: list[str], width: int, height: int, size: int) -> str:
    """Two colours that follow from ``key``, with ``lines`` in the middle; ``size``: of the letters, in pixels."""
    hue = hashlib.sha256(key.encode()).digest()[0] * 360 // 256
    step = size * 1.3
    top = height / 2 - step * (len(lines) - 1) / 2
    text = "".join(
        f'<tspan x="50%" y="{top + step * row:g}">{html.escape(NOT_XML.sub("", line))}</tspan>'
        for row, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop stop-color="hsl({hue} 62% 46%)"/>'
        f'<stop offset="1" stop-color="hsl({(hue + 55) % 360} 68% 30%)"/></linearGradient></defs>'
        f'<rect width="{width}" height="{height}" fill="url(#g)"/>'
        f'<circle cx="{width * 4 // 5}" cy="{height // 4}" r="{height // 3}" fill="#fff" opacity=".12"/>'
        f'<text fill="#fff" font-family="sans-serif" font-size="{size}" font-weight="600"'
        f' text-anchor="middle" dominant-baseline="central">{text}</text></svg>'
    )
