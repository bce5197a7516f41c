"""All measurements by name, in the order of the report: each is rounds in which the subjects take turns."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import on_parties, on_sockets, on_storage
from benchmarks.bench import Bench
from benchmarks.table import Measurement

MEASUREMENTS: dict[str, Callable[[Bench], Measurement]] = {
    "connect": on_sockets.measure_connect,
    "ack": on_sockets.measure_ack,
    "bare": on_sockets.measure_bare,
    "broadcast": on_sockets.measure_broadcast,
    "stall": on_sockets.measure_stall,
    "pair": on_sockets.measure_pair,
    "storm": on_sockets.measure_storm,
    "room": on_sockets.measure_room,
    "idle": on_sockets.measure_idle,
    "idle-few": on_sockets.measure_idle_few,
    "append": on_storage.measure_append,
    "members": on_storage.measure_members,
    "search": on_storage.measure_search,
    "search-sqlite": on_storage.measure_search_sqlite,
    "party": on_parties.measure_party,
    "party-faults": on_parties.measure_party_faults,
    "party-crowd": on_parties.measure_party_crowd,
    "party-talk": on_parties.measure_party_talk,
}
