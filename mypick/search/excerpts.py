"""The part of a text that shows why it was found."""

from __future__ import annotations

from collections.abc import Sequence

from mypick.search.views import ExcerptPart

MAX_EXCERPT = 240  # characters
BEFORE = 60  # of them that stand before the first place, at most
CUT = "…"


def excerpt(text: str, marks: Sequence[tuple[int, int]]) -> list[ExcerptPart]:
    """``marks`` are places in ``text``, in order and without overlaps. The parts together are one stretch of it, with
    an ellipsis where it was cut."""
    start = 0
    if marks and len(text) > MAX_EXCERPT:
        start = max(0, min(marks[0][0] - BEFORE, len(text) - MAX_EXCERPT))
        blank = text.find(" ", start, marks[0][0])
        start = blank + 1 if start and blank >= 0 else start
    end = min(len(text), start + MAX_EXCERPT)
    parts = [ExcerptPart(text=CUT, marked=False)] if start else []
    place = start
    for first, last in marks:
        first, last = max(first, place), min(last, end)
        if first >= last:
            continue
        if first > place:
            parts.append(ExcerptPart(text=text[place:first], marked=False))
        parts.append(ExcerptPart(text=text[first:last], marked=True))
        place = last
    if place < end:
        parts.append(ExcerptPart(text=text[place:end], marked=False))
    if end < len(text):
        parts.append(ExcerptPart(text=CUT, marked=False))
    return parts
