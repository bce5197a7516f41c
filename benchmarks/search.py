"""Search over many messages: how long a page takes by kind of query, beside what a database does by itself.

Loads messages from a seed, their index by the packer's own code, and asks ``CommunitySearch`` for pages of 20: all
of a request but HTTP. The peers answer the same questions on the same rows: ``like`` is ``text LIKE '%word%'``, newest
first; ``tsvector`` is PostgreSQL's own GIN index over ``to_tsvector('simple', text)``. Neither looks at who may read.
``found`` is the share of the messages that hold a two-syllable Korean word, or an English word in one of its forms,
that all pages together give.

Run by ``benchmarks.run`` as a child, once for each database: it prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop

from benchmarks.corpus import AUTHORS, COMMUNITIES, ROOMS_EACH, Corpus, Line
from benchmarks.table import Round
from config.collector import collect_rarely
from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import SystemClock
from mypick.community.indexing import indexed
from mypick.community.models import Community, Message, Room
from mypick.community.searching import CommunitySearch
from mypick.community.standings import Standings
from mypick.search import packer
from mypick.search.commands import SearchTexts
from mypick.search.index import new_row
from mypick.search.models import SearchPending
from mypick.search.pages import SEGMENT, Entry, build
from mypick.search.terms import pack_terms

PAGE = 20
ALL = "all kinds"
WAITING = SEGMENT // 2  # messages that are not packed: what waits on average
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = timedelta(milliseconds=700)  # two messages
COUNTED = 25  # words whose hits are counted to the last
ASKER = Actor(user_id=1, role="fan", session_id=1, scopes=None, expires_at=None)

Ask = Callable[[str], Awaitable[int]]
"""Asks for a page; how many items it has."""


def message_of(number: int, line: Line) -> Message:
    return Message(
        id=number,
        room_id=line.room_id,
        seq=number,
        changed_seq=number,
        author_id=line.author_id,
        text=line.text,
        text_hash="",
        created_at=BEGAN + BETWEEN * number,
    )


async def load(corpus: Corpus, count: int) -> list[str]:
    """The texts. Progress goes to stderr."""
    now = datetime.now(UTC)
    await Community.bulk_create(
        [
            Community(id=number, creator_id=number, name=str(number), created_at=now)
            for number in range(1, COMMUNITIES + 1)
        ]
    )
    await Room.bulk_create(
        [
            Room(id=number, community_id=1 + (number - 1) // ROOMS_EACH, name="chat", created_at=now)
            for number in range(1, COMMUNITIES * ROOMS_EACH + 1)
        ]
    )
    texts: list[str] = []
    began, batch = time.perf_counter(), list[tuple[Message, int]]()
    for number, line in enumerate(corpus.lines(count), 1):
        texts.append(line.text)
        batch.append((message_of(number, line), line.community_id))
        if len(batch) == SEGMENT or number == count:
            await store(batch, waits=number == count or number > count - WAITING)
            batch.clear()
            took = time.perf_counter() - began
            sys.stderr.write(f"\rloaded {number:,} of {count:,} messages, {took:.0f} s ")
            sys.stderr.flush()
    sys.stderr.write("\n")
    return texts


async def store(batch: Sequence[tuple[Message, int]], *, waits: bool) -> None:
    async with db.transaction():
        await Message.bulk_create([message for message, _ in batch])
        if waits:
            packed, waiting = batch[: max(0, len(batch) - WAITING)], batch[-WAITING:]
        else:
            packed, waiting = batch, []
        if packed:
            entries = []
            for message, community_id in packed:
                text = indexed(message, community_id)
                entries.append(Entry(text.key, community_id, pack_terms(text.terms())))
            await packer.write_segment(*build(entries))
        await SearchPending.bulk_create([new_row(indexed(message, community)) for message, community in waiting])


def queries(corpus: Corpus, rng: random.Random, each: int) -> dict[str, list[str]]:
    """By kind. Ranks are of the corpus' words: the commonest is in a tenth of all messages."""
    korean, english = corpus.korean, corpus.english

    def some(make: Callable[[], str]) -> list[str]:
        return [make() for _ in range(each)]

    def two(words: Sequence[str]) -> str:
        return rng.choice([word for word in words if len(word) == 2])

    return {
        "common word": some(lambda: rng.choice(korean[:20])),
        "usual word": some(lambda: rng.choice(korean[200:2_000])),
        "rare word": some(lambda: rng.choice(korean[15_000:])),
        "two syllables": some(lambda: two(korean[:3_000])),
        "one syllable": some(lambda: rng.choice(korean[:2_000])[0]),
        "English word": some(lambda: rng.choice(english[:2_000])),
        "two words": some(lambda: f"{rng.choice(korean[:200])} {rng.choice(korean[:2_000])}"),
        "two rare words": some(lambda: f"{rng.choice(korean[2_000:9_000])} {rng.choice(korean[2_000:9_000])}"),
        "phrase": some(lambda: f'"{rng.choice(korean[:60])} {rng.choice(korean[:60])}"'),
        "word nobody said": some(lambda: "".join(reversed(rng.choice(korean[:3_000]) + rng.choice(korean[:3_000])))),
        "word, from:": some(lambda: f"{rng.choice(korean[:200])} from:{rng.randint(2, AUTHORS)}"),
        "word, in:": some(lambda: f"{rng.choice(korean[:2_000])} in:{rng.randint(1, COMMUNITIES * ROOMS_EACH)}"),
        "laughter": some(lambda: rng.choice(("ㅋㅋ", "ㅠㅠ", "ㅋㅋㅋㅋ", "ㅎㅎ"))),
    }


async def timed(ask: Ask, asked: Sequence[str]) -> list[float]:
    """Seconds of each, after one that warms up."""
    await ask(asked[0])
    taken = []
    for query in asked:
        began = time.perf_counter()
        await ask(query)
        taken.append(time.perf_counter() - began)
    return taken


def percentiles(taken: Sequence[float]) -> dict[str, float]:
    ordered = sorted(taken)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3

    return {"p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99)}


class Ours:
    def __init__(self) -> None:
        self._search = CommunitySearch(Standings(SystemClock()))

    async def ask(self, query: str) -> int:
        return len((await self._search.search(ASKER, SearchTexts(q=query, limit=PAGE))).items)

    async def count(self, query: str) -> int:
        """Over all pages."""
        found, cursor = 0, None
        while True:
            page = await self._search.search(ASKER, SearchTexts(q=query, limit=50, cursor=cursor))
            found, cursor = found + len(page.items), page.next_cursor
            if cursor is None:
                return found


class Like:
    """Words by ``LIKE``; a phrase as one; filters as columns."""

    def condition(self, query: str) -> tuple[str, list[Any]]:
        words, conditions = list[str](), list[str]()
        for piece in [query.strip('"')] if query.startswith('"') else query.split():
            name, _, value = piece.partition(":")
            if value and name in ("from", "in"):
                conditions.append(f"{'author_id' if name == 'from' else 'room_id'} = {int(value)}")
            else:
                words.append(f"%{piece}%")
        marks = [f"${place}" if db.dialect() == "postgres" else "?" for place in range(1, len(words) + 1)]
        conditions += [f"text LIKE {mark}" for mark in marks]
        return " AND ".join(conditions), [*words]

    async def ask(self, query: str) -> int:
        condition, values = self.condition(query)
        rows = await db.connection().execute_query_dict(
            f"SELECT id, text FROM message WHERE {condition} ORDER BY id DESC LIMIT {PAGE + 1}", values
        )
        return len(rows)

    async def count(self, query: str) -> int:
        condition, values = self.condition(query)
        rows = await db.connection().execute_query_dict(f"SELECT COUNT(*) AS n FROM message WHERE {condition}", values)
        return int(rows[0]["n"])


class TsVector(Like):
    def condition(self, query: str) -> tuple[str, list[Any]]:
        conditions, words = list[str](), list[str]()
        for piece in [query] if query.startswith('"') else query.split():
            name, _, value = piece.partition(":")
            if value and name in ("from", "in"):
                conditions.append(f"{'author_id' if name == 'from' else 'room_id'} = {int(value)}")
            else:
                words.append(piece)
        conditions.append("to_tsvector('simple', text) @@ websearch_to_tsquery('simple', $1)")
        return " AND ".join(conditions), [" ".join(words)]

    @staticmethod
    async def prepare() -> float:
        """Its size in MiB."""
        sys.stderr.write("building the peer's index\n")
        ask = db.connection().execute_script
        await ask(
            "SET statement_timeout = 0; "
            "CREATE INDEX bench_fts ON message USING gin (to_tsvector('simple', text)); RESET statement_timeout"
        )
        await ask("ANALYZE message")
        rows = await db.connection().execute_query_dict("SELECT pg_relation_size('bench_fts') AS bytes")
        return float(rows[0]["bytes"]) / 2**20


async def found_share(peer: Ours | Like, texts: Sequence[str], words: Sequence[str]) -> float:
    """Of the messages that hold these words, counted by looking at every text."""
    held = found = 0
    for word in words:
        if word.isascii():
            forms = {word, *(word + ending for ending in ("s", "ed", "ing"))}
            count = sum(1 for text in texts if any(form in text for form in forms) and forms & set(text.split()))
        else:
            count = sum(1 for text in texts if word in text)
        held += count
        found += min(count, await peer.count(word))
    return 100 * found / held if held else 100.0


async def sizes() -> dict[str, float]:
    """MiB of the index and of the messages, where the database tells."""
    if db.dialect() != "postgres":
        return {}
    asked = {
        "index_mib": "pg_total_relation_size('search_page') + pg_total_relation_size('search_segment')",
        "messages_mib": "pg_total_relation_size('message')",
    }
    rows = await db.connection().execute_query_dict(
        f"SELECT {', '.join(f'{what} AS {name}' for name, what in asked.items())}"
    )
    return {name: rows[0][name] / 2**20 for name in asked}


async def measure(url: str, messages: int, each: int, seed: int) -> dict[str, Any]:
    corpus, rng = Corpus(seed), random.Random(seed + 1)
    result: dict[str, Any] = {}
    async with db.open_database(url) as database:
        await database.migrate()
        began = time.perf_counter()
        texts = await load(corpus, messages)
        result["load_s"] = time.perf_counter() - began
        result |= await sizes()
        collect_rarely()  # as the server does
        asked = queries(corpus, rng, each)
        korean = [word for word in corpus.korean[200:2_000] if len(word) == 2]
        words = rng.sample(korean, COUNTED), rng.sample(corpus.english[100:1_000], COUNTED)
        peers: dict[str, Ours | Like] = {"ours": Ours(), "like": Like()}
        if db.dialect() == "postgres":
            await db.connection().execute_script("ANALYZE")
            peers["tsvector"] = TsVector()
        result["peers"] = {}
        for name, peer in peers.items():
            if isinstance(peer, TsVector):
                began = time.perf_counter()
                result["tsvector_mib"] = await peer.prepare()
                result["tsvector_build_s"] = time.perf_counter() - began
            few = each if name == "ours" else max(1, each // 10)
            taken: dict[str, list[float]] = {}
            for kind, some in asked.items():
                sys.stderr.write(f"\r{name}: {kind}" + " " * 20)
                sys.stderr.flush()
                taken[kind] = await timed(peer.ask, some[:few])
            taken = {ALL: [one for some in taken.values() for one in some], **taken}
            result["peers"][name] = {
                "kinds": {kind: percentiles(some) for kind, some in taken.items()},
                "korean_found": await found_share(peer, texts, words[0][: COUNTED if name == "ours" else 5]),
                "english_found": await found_share(peer, texts, words[1][: COUNTED if name == "ours" else 5]),
            }
            sys.stderr.write("\n")
    return result


def rows_of(measured: Mapping[str, Any]) -> dict[str, list[Round]]:
    """A row for each kind of query, the first for all of them; of the peers the p95."""
    peers = {name: peer["kinds"] for name, peer in measured["peers"].items()}
    return {
        "ours" if kind == ALL else kind: [
            {**figures, **{f"{name}_ms": kinds[kind]["p95_ms"] for name, kinds in peers.items()}}
        ]
        for kind, figures in peers["ours"].items()
    }


def notes_of(measured: Mapping[str, Any]) -> list[str]:
    told = [f"loaded and indexed in {measured['load_s']:.0f} s"]
    if "index_mib" in measured:
        told.append(f"{measured['index_mib']:.0f} MiB of index beside {measured['messages_mib']:.0f} MiB of messages")
    if "tsvector_mib" in measured:
        told.append(f"tsvector: {measured['tsvector_mib']:.0f} MiB, built in {measured['tsvector_build_s']:.0f} s")
    found = ", ".join(
        f"{name} {peer['korean_found']:.1f} % and {peer['english_found']:.1f} %"
        for name, peer in measured["peers"].items()
    )
    return ["; ".join(told), f"found of two-syllable Korean words and of English words in all forms: {found}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Search on one database.")
    parser.add_argument("--url", required=True, help="an empty database, as DATABASE_URL")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--each", type=int, default=100, help="queries of each kind; a peer gets a tenth")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    sys.stdout.write(json.dumps(uvloop.run(measure(chosen.url, chosen.messages, chosen.each, chosen.seed))) + "\n")


if __name__ == "__main__":
    main()
