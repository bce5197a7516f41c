"""Which link of a text is looked at."""

from __future__ import annotations

import re

MAX_URL = 2_000  # characters

_URL = re.compile(r"https?://[^\s<>\"'`\x00-\x20]{1,2100}", re.IGNORECASE)
_WRAPPED = re.compile(r"<https?://[^\s<>]{1,2100}>", re.IGNORECASE)  # how a writer says: show no preview
_TRAILING = ".,;:!?…。、，！？*_~|"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def first_link(text: str) -> str | None:
    """The first http(s) address in a text that its writer did not put into ``<…>``, without the signs of the sentence
    around it; None where there is none."""
    for found in _URL.finditer(_WRAPPED.sub(" ", text)):
        url = _bare(found[0])
        if len(url) <= MAX_URL and "://" in url and len(url.partition("://")[2]) > 2:
            return url
    return None


def _bare(url: str) -> str:
    while url:
        last = url[-1]
        if last in _TRAILING or (last in _BRACKETS and url.count(last) > url.count(_BRACKETS[last])):
            url = url[:-1]
        else:
            break
    return url
