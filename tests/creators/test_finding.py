"""Finding creators: search that takes text as it is, and lists that page without a hole."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.creators.models import Channel, Creator
from mypick.creators.service import Creators
from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.platforms.youtube import YouTube
from tests.creators.stage import creators_on, named, person
from tests.fakes import FakeClock
from tests.queries import counted

ALICE = person(1)
# Names that tie, that differ by case or a blank at the end, and that sort differently by language.
NAMES = st.lists(
    st.sampled_from(["a", "A", "a ", "ä", "b", "B", "가", "각", "나", "_", "%", "'", '"', "\\", "é", "e\u0301", "🎧"]),
    min_size=1,
    max_size=14,
)


async def found(creators: Creators, q: str | None, category: str | None = None) -> set[str]:
    return {view.name for view in (await creators.list(None, q, category, None, 100)).items}


async def test_search_takes_its_text_literally(creators: Creators, clock: FakeClock) -> None:
    names = ["100% real", "100x real", "snake_case", "snakeXcase", "back\\slash", "it's", 'say "hi"', "plain"]
    for name in names:
        await named(clock, name)
    wanted = {
        "100%": {"100% real"},
        "%": {"100% real"},
        "snake_": {"snake_case"},
        "_": {"snake_case"},
        "\\": {"back\\slash"},
        "it's": {"it's"},
        '"hi"': {'say "hi"'},
        "'; DROP TABLE creator; --": set(),
    }
    assert {q: await found(creators, q) for q in wanted} == wanted
    assert await found(creators, None) == set(names)


async def test_search_finds_a_part_of_a_name_in_any_case_and_any_script(creators: Creators, clock: FakeClock) -> None:
    for name in ("하늘의 부엌", "바다의 부엌", "Morning Notes", "夜の台所"):
        await named(clock, name)
    assert await found(creators, "부엌") == {"하늘의 부엌", "바다의 부엌"}
    assert await found(creators, unicodedata.normalize("NFD", "부엌")) == {"하늘의 부엌", "바다의 부엌"}
    assert await found(creators, "하늘의") == {"하늘의 부엌"}
    assert await found(creators, "mORNING") == {"Morning Notes"}
    assert await found(creators, "台所") == {"夜の台所"}


async def test_search_finds_the_head_of_a_handle_with_and_without_its_sign(
    creators: Creators, clock: FakeClock
) -> None:
    await named(clock, "One", handle="sky_kitchen")
    await named(clock, "Two", handle="skyxkitchen")
    await named(clock, "Three", handle="하늘의부엌")
    assert await found(creators, "@sky_") == {"One"}
    assert await found(creators, "SKY") == {"One", "Two"}
    assert await found(creators, "@하늘") == {"Three"}
    assert await found(creators, "kitchen") == set()


async def test_category_narrows_the_list(creators: Creators, clock: FakeClock) -> None:
    await named(clock, "pan", category="food")
    await named(clock, "pan flute", category="music")
    assert await found(creators, "pan", "food") == {"pan"}
    assert await found(creators, None, "music") == {"pan flute"}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(names=NAMES, limit=st.integers(1, 5))
async def test_pages_have_no_hole_and_no_repeat_whatever_the_names(
    database: Database, with_key: YouTube, clock: FakeClock, names: list[str], limit: int
) -> None:
    await Creator.all().delete()
    await Channel.all().delete()
    creators = creators_on(with_key, clock)
    ids = [await named(clock, name) for name in names]
    seen: list[int] = []
    cursor = None
    for _ in range(len(names) + 1):
        page = await creators.list(ALICE, None, None, cursor, limit)
        assert len(page.items) <= limit
        seen += [view.id for view in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == set(ids)


async def test_cursor_of_another_list_is_refused(creators: Creators, clock: FakeClock) -> None:
    for name in "ab":
        await creators.subscribe(ALICE, await named(clock, name))
    cursor = (await creators.subscriptions(ALICE, 1, None, 1)).next_cursor
    with pytest.raises(DomainError) as refused:
        await creators.list(ALICE, None, None, cursor, 1)
    assert refused.value.code is Code.INVALID


async def test_list_asks_three_queries_whatever_its_length(creators: Creators, clock: FakeClock) -> None:
    """The creators, their channels, whom the asker follows; a search asks the handles too."""
    for number in range(30):
        await named(clock, f"name {number}")
    with counted() as queries:
        await creators.list(ALICE, None, None, None, 25)
    assert len(queries) <= 3, queries
    with counted() as queries:
        await creators.list(ALICE, "name", None, None, 25)
    assert len(queries) <= 4, queries
