"""What storage costs: durable appends, the list of members, and search in a million messages."""

from __future__ import annotations

import contextlib
import tempfile

from benchmarks import members, search
from benchmarks.append import APPENDERS
from benchmarks.bench import Bench, InexactError, progress
from benchmarks.subjects import on_core
from benchmarks.table import Figure, Goal, Measurement, Round
from tests.servers import PostgresServer

SEARCH_LIMIT = 1_200.0  # seconds for one database
MEMBERS_LIMIT = 120.0  # seconds for one round
APPEND_LIMIT = 300.0  # seconds for one round of one appender


def measure_append(bench: Bench) -> Measurement:
    rounds: dict[str, list[Round]] = {name: [] for name in APPENDERS}
    with contextlib.ExitStack() as stack:
        with on_core(bench.cores.load):
            postgres = stack.enter_context(PostgresServer(fsync=True))
        url = postgres.create_database("bench")
        for number in range(bench.size.rounds):
            for name in APPENDERS:
                progress("append", number, name)
                rounds[name].append(_append_round(bench, url, name))
    return Measurement(
        "append",
        f"Durable appends to PostgreSQL, fsync on ({bench.size.messages:,} messages to 8 streams)",
        (
            Figure("rate", "per second", 0),
            Figure("cpu_us", "CPU µs each"),
            Figure("half_p50_ms", "p50 ms at half load"),
            Figure("half_p99_ms", "p99 ms at half load"),
        ),
        (Goal("rate", 8.0, "one-per-transaction", "≥"), Goal("half_p99_ms", 50.0)),
        rounds,
    )


def measure_members(bench: Bench) -> Measurement:
    """A fresh database for each round, with its server on the load's core."""
    rounds: list[Round] = []
    with on_core(bench.cores.load):
        postgres = PostgresServer(fsync=True)
    with postgres:
        for number in range(bench.size.rounds):
            progress("members", number, "ours")
            arguments = ["--url", postgres.create_database(f"bench{number}"), "--members", str(bench.size.members)]
            measured = bench.child("members", arguments, MEMBERS_LIMIT, "PostgreSQL")
            rounds.append({key: float(value) for key, value in measured.items()})
    return Measurement(
        "members",
        f"A community of {bench.size.members:,} members: pages of {members.PAGE}, a part of a name looked for, "
        f"and what join-room answers with {members.SPOKEN} messages of 200 characters",
        (
            Figure("page_p95_ms", "p95 ms of a page"),
            Figure("search_p95_ms", "p95 ms of a search"),
            Figure("join_kib", "KiB of a join"),
        ),
        (Goal("page_p95_ms", 50.0), Goal("search_p95_ms", 50.0), Goal("join_kib", 32.0)),
        {"ours": rounds},
    )


def measure_search(bench: Bench) -> Measurement:
    with on_core(bench.cores.load):
        postgres = PostgresServer(fsync=True, options={"shared_buffers": "512MB"})
    with postgres:
        return _search(bench, "search", "PostgreSQL", postgres.create_database("bench"))


def measure_search_sqlite(bench: Bench) -> Measurement:
    with tempfile.TemporaryDirectory(prefix="mypick-search-") as folder:
        return _search(bench, "search-sqlite", "SQLite", f"sqlite://{folder}/bench.sqlite3")


def _search(bench: Bench, name: str, database: str, url: str) -> Measurement:
    """One round: loading takes longer than asking."""
    progress(name, 0, "ours")
    arguments = ["--url", url, "--messages", str(bench.size.searched), "--each", str(bench.size.searches)]
    measured = bench.child("search", arguments, SEARCH_LIMIT, database)
    return Measurement(
        name,
        f"Search in {bench.size.searched:,} messages on {database}, a page of {search.PAGE} "
        "(in the first row all kinds of query together)",
        (
            Figure("p50_ms", "p50 ms"),
            Figure("p95_ms", "p95 ms"),
            Figure("p99_ms", "p99 ms"),
            *(Figure(f"{peer}_ms", f"p95 ms of {peer}") for peer in measured["peers"] if peer != "ours"),
        ),
        (Goal("p95_ms", 50.0),),
        search.rows_of(measured),
        tuple(search.notes_of(measured)),
    )


def _append_round(bench: Bench, url: str, name: str) -> Round:
    arguments = ["--url", url, "--appender", name, "--messages", str(bench.size.messages)]
    result = bench.child("append", arguments, APPEND_LIMIT, name)
    if not result["exact"]:
        raise InexactError(f"{name}: {result}")
    return {key: float(value) for key, value in result.items()}
