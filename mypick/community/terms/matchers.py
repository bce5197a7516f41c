"""Compiled terms of communities, on this node.

A community's row has the revision of its terms, and whoever sends reads that row under the lock of the room. So a
change holds on all nodes from its commit on, and nobody asks for the terms but after a change.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from mypick.community.models import Community
from mypick.community.terms.lists import BUILT_IN, LANGUAGES, Language
from mypick.community.terms.matching import Matcher
from mypick.community.terms.models import TermRow
from mypick.community.terms.patterns import Effect, Term, seen

MAX_COMPILED = 200  # communities with terms of their own, at most 2 MB each; the longest unused goes first


class Matchers:
    def __init__(self) -> None:
        self._own: OrderedDict[int, tuple[int, str, Matcher]] = OrderedDict()
        self._listed: dict[str, Matcher] = {}  # by languages; bound: four

    async def of(self, community: Community) -> Matcher:
        """What holds for the community whose row was just read. One query where its terms are not known here."""
        if not community.terms_rev:
            return self._of_lists(community.term_lists)
        known = self._own.get(community.id)
        if known is None or known[:2] != (community.terms_rev, community.term_lists):
            rows = await TermRow.filter(community_id=community.id).order_by("id").values_list("text", "effect")
            own = [Term(text, Effect(effect)) for text, effect in rows]
            # 2,000 terms take 50 ms, which the loop has not
            matcher = await asyncio.to_thread(_compiled, own, community.term_lists)
            known = self._own[community.id] = (community.terms_rev, community.term_lists, matcher)
            if len(self._own) > MAX_COMPILED:
                self._own.popitem(last=False)
        self._own.move_to_end(community.id)
        return known[2]

    def _of_lists(self, lists: str) -> Matcher:
        if lists not in self._listed:
            self._listed[lists] = _compiled([], lists)
        return self._listed[lists]


def languages_of(lists: str) -> list[Language]:
    """From the column: those whose lists are on."""
    return [language for language in LANGUAGES if language in lists.split(",")]


def _compiled(own: Sequence[Term], lists: str) -> Matcher:
    mine = {seen(term.text).strip("*") for term in own}
    listed = [term for language in languages_of(lists) for term in BUILT_IN[language]]
    return Matcher([*own, *(term for term in listed if not mine or seen(term.text).strip("*") not in mine)])
