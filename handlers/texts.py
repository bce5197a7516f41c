"""The words of the pages, one table a language, and which language a person gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import orjson

DEFAULT_LANGUAGE = "en"
_CHOICE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")
_MAX_CHOICES = 20  # of one Accept-Language header; a browser sends fewer


class Texts:
    """Tables by language: ``{"en": {"feed.title": "Feed"}, "ko": {…}}``, all with the same keys."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        if DEFAULT_LANGUAGE not in tables:
            raise ValueError(f"there are no texts for {DEFAULT_LANGUAGE}, the language of last resort")
        keys = set(tables[DEFAULT_LANGUAGE])
        for language, table in tables.items():
            if odd := keys.symmetric_difference(table):
                names = ", ".join(sorted(odd))
                raise ValueError(f"texts differ between {DEFAULT_LANGUAGE} and {language}: {names}")
        self.tables = tables

    @classmethod
    def read(cls, folder: Path) -> Texts:
        """One ``<language>.json`` a language. A table that lacks a key is refused at start."""
        return cls({path.stem: orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))})

    def choose(self, named: str | None, accept_language: str) -> str:
        """``named`` if there are texts for it, else the best of ``Accept-Language``, else English."""
        if named is not None and named in self.tables:
            return named
        best, best_weight = DEFAULT_LANGUAGE, 0.0
        for part in accept_language.split(",")[:_MAX_CHOICES]:
            match = _CHOICE.fullmatch(part)
            if match is None:
                continue
            weight = float(match[2]) if match[2] else 1.0
            if match[1].lower() in self.tables and weight > best_weight:
                best, best_weight = match[1].lower(), weight
        return best
