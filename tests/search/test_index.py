"""Whatever is said, edited, deleted and packed in whatever order: search finds what a look at every text finds."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick import db
from mypick.db import Database
from mypick.search import finder, index, packer, service
from mypick.search.index import Indexed
from mypick.search.models import SearchPage, SearchPending, SearchSegment
from mypick.search.pages import DIRECTORY, ENTRIES, Key, Postings, decode_directory, page_number
from mypick.search.service import Kind, Question, Search
from mypick.search.wording import read_wording

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("학교", "학교에서", "콘서트", "콘", "서트", "run", "running", "ㅋㅋ", "see", "you", "봄", "2026")
QUERIES = ("학교", "서트", "콘", "run", "ㅋㅋ", "콘서트 run", '"see you"', "봄 -학교", "교에", "2026", "없는말")
HIDDEN = 9  # the community that the asker may not read

_examples = itertools.count(1)


@dataclass(frozen=True)
class Said:
    ref: int
    community_id: int
    author: int
    at: datetime
    text: str

    @property
    def labels(self) -> Sequence[tuple[str, object]]:
        return [("author", self.author)]

    @property
    def indexed(self) -> Indexed:
        return Indexed(Kind.MESSAGE, self.ref, self.community_id, self.at, self.text, self.labels)


class World:
    """Texts, their index, and the reference: every text looked at."""

    def __init__(self, first_ref: int, base: int) -> None:
        self.texts: dict[int, Said] = {}
        self.versions: dict[int, list[Said]] = {}
        self._refs = itertools.count(first_ref)
        self.base = base  # communities of this example; those of others are in the same tables
        self.search: Search[Said] = Search({Kind.MESSAGE: self.read})

    async def read(self, refs: Sequence[int]) -> dict[int, Said]:
        return {ref: self.texts[ref] for ref in refs if ref in self.texts}

    async def readable(self, ids: Collection[int]) -> Collection[int]:
        return [one for one in ids if self.base <= one < self.base + HIDDEN]

    async def say(self, community: int, author: int, minute: int, text: str) -> None:
        said = Said(next(self._refs), self.base + community, author, BEGAN + timedelta(minutes=minute), text)
        self.texts[said.ref] = said
        self.versions[said.ref] = [said]
        await index.new_row(said.indexed).save(force_create=True)

    async def edit(self, which: int, text: str) -> None:
        if self.texts:
            said = replace(list(self.texts.values())[which % len(self.texts)], text=text)
            self.texts[said.ref] = said
            self.versions[said.ref].append(said)
            async with db.transaction():
                await index.put([said.indexed])

    async def delete(self, which: int) -> None:
        if self.texts:
            ref = list(self.texts)[which % len(self.texts)]
            del self.texts[ref]
            async with db.transaction():
                await index.forget([version.indexed for version in self.versions[ref]])

    def expected(self, question: Question) -> list[int]:
        found = [
            said
            for said in self.texts.values()
            if said.community_id != self.base + HIDDEN
            and (question.communities is None or said.community_id in question.communities)
            and all(said.author in values for values in question.any_of.values())
            and (question.first is None or said.at >= question.first)
            and (question.before is None or said.at < question.before)
            and question.sought.marks(said.text) is not None
        ]
        return [said.ref for said in sorted(found, key=lambda said: (said.at, said.ref), reverse=True)]

    async def found(self, question: Question, limit: int) -> list[int]:
        """Page by page to the end."""
        refs: list[int] = []
        cursor: str | None = None
        while True:
            page = await self.search.find(question, self.readable, cursor, limit)
            assert len(page.items) <= limit
            refs += [match.ref for match in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return refs

    async def check(self, limit: int = 2) -> None:
        for query in QUERIES:
            question = Question(read_wording(query).sought)
            assert await self.found(question, limit) == self.expected(question), query
        sought = read_wording("학교").sought
        for question in (
            Question(sought, communities=[self.base]),
            Question(sought, communities=[self.base + HIDDEN]),
            Question(sought, {"author": [1, 2]}),
            Question(read_wording("").sought, {"author": [1]}),
            Question(sought, first=BEGAN + timedelta(minutes=3), before=BEGAN + timedelta(minutes=7)),
        ):
            assert await self.found(question, limit) == self.expected(question), question


TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
STEP = st.one_of(
    st.tuples(st.just("say"), st.sampled_from([0, 1, HIDDEN]), st.integers(1, 3), st.integers(0, 9), TEXT),
    st.tuples(st.just("say"), st.just(0), st.integers(1, 3), st.integers(0, 9), TEXT),
    st.tuples(st.just("edit"), st.integers(0, 99), TEXT),
    st.tuples(st.just("delete"), st.integers(0, 99)),
    st.tuples(st.just("pack")),
)


async def play(world: World, steps: Sequence[tuple[Any, ...]]) -> None:
    for what, *rest in steps:
        if what == "pack":
            await packer.pack_once(1)
        else:
            await getattr(world, what)(*rest)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rounds=st.lists(st.lists(STEP, min_size=1, max_size=12), min_size=1, max_size=4))
async def test_search_equals_a_look_at_every_text(database: Database, rounds: list[list[tuple[Any, ...]]]) -> None:
    number = next(_examples)
    world = World(number * 1_000, number * 10)
    for steps in rounds:
        await play(world, steps)
    await world.check()
    await packer.pack_once(1)
    await world.check(3)
    for _ in range(len(world.texts)):
        await world.delete(0)
    assert await traces(world) == []


async def traces(world: World) -> list[Any]:
    """What the index still has of a world's texts."""
    kept: list[Any] = await SearchPending.filter(ref__in=list(world.versions)).values_list("ref")
    directory: dict[int, dict[int, Key]] = {}
    for page in await SearchPage.all():
        if page_number(page.id) >= DIRECTORY:
            first = (page_number(page.id) - DIRECTORY) * ENTRIES
            directory.setdefault(page.id // 512, {}).update(enumerate(decode_directory(page.body), first))
    for entries in directory.values():
        kept += [key for key in entries.values() if key.kind and key.ref in world.versions]
    for page in await SearchPage.all():
        if page_number(page.id) < DIRECTORY:
            for _, texts in Postings(page.body, wide=page_number(page.id) == DIRECTORY - 1).items():
                kept += [number for number in texts if not directory[page.id // 512][number].kind]
    return kept


async def test_what_waits_and_what_is_packed_is_found_over_many_segments(database: Database, monkeypatch: Any) -> None:
    """More segments than one batch, more matches than are looked up at once, and bounds that end a page early."""
    monkeypatch.setattr(finder, "_BATCHES", (2, 3))
    monkeypatch.setattr(finder, "_KEYS", 4)
    world = World(1, 0)
    for number in range(120):
        text = "학교 콘서트" if number % 3 else "running 학교에서"
        await world.say(0, number % 4, number % 50, text)
        if number % 10 == 9:
            assert await packer.pack_once(1)
    await world.check(7)
    monkeypatch.setattr(finder, "MAX_WAITING", 4)
    monkeypatch.setattr(finder, "MAX_SEGMENTS", 3)
    monkeypatch.setattr(service, "MAX_COMPARED", 9)
    await world.check(5)
    assert await SearchSegment.all().count() == 12


async def test_an_emptied_segment_is_dropped(database: Database) -> None:
    world = World(1, 0)
    for number in range(5):
        await world.say(0, 1, number, "학교")
    assert await packer.pack_once(1)
    await world.edit(0, "콘서트")
    assert await SearchSegment.all().count() == 1
    for _ in range(5):
        await world.delete(0)
    assert (await SearchSegment.all().count(), await SearchPage.all().count()) == (0, 0)
    assert await SearchPending.all().count() == 0


async def test_packing_waits_for_a_full_segment(sqlite_database: Database) -> None:
    world = World(1, 0)
    await world.say(0, 1, 1, "학교")
    assert await packer.pack_all() == 0
    assert await packer.pack_once(1)
    assert not await packer.pack_once(1)
    assert await packer.waiting() == 0
