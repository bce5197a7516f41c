"""Who is in a party, over all nodes: seats, which stand while their node says that it lives.

A node writes one row when somebody's first socket comes, and one when the last has gone; that the sockets are still
there costs one row a node each two seconds, however many they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mypick import db
from mypick.watchparty.gate import Present
from mypick.watchparty.models import PartyNode, PartySeat

NODE_LIFE_MS = 10_000  # after its last sign of life
LATELY_MS = 4_000  # of a node that says it each two seconds
AWAY_MS = 10_000  # that a seat is kept for somebody whose last socket has gone
CHUNK = 500  # people in one statement

_ALIVE = "node IN (SELECT node FROM party_node WHERE until_ms > {now:d})"


async def beat(node: str, now_ms: float) -> bool:
    """``node`` lives. Whether it was taken for alive until now: one that was not may have no seats any more."""
    now, until = round(now_ms), round(now_ms) + NODE_LIFE_MS
    own = PartyNode.filter(node=node)
    if await own.filter(until_ms__gt=now).update(until_ms=until):
        return True
    await PartyNode.bulk_create([PartyNode(node=node, started_ms=now, until_ms=until)], ignore_conflicts=True)
    await own.update(started_ms=now, until_ms=until)
    return False


async def take(party_id: int, user_ids: Collection[int], node: str) -> None:
    """Seats on ``node`` for people whose sockets come. Two statements, three where some are new."""
    wanted = sorted(user_ids)
    mine = PartySeat.filter(party_id=party_id, node=node, user_id__in=wanted)
    there = {row[0] for row in await mine.values_list("user_id")}
    if there:
        await mine.update(until_ms=None)
    fresh = [PartySeat(party_id=party_id, user_id=user_id, node=node) for user_id in wanted if user_id not in there]
    if fresh:
        await PartySeat.bulk_create(fresh, ignore_conflicts=True)


async def free_later(party_id: int, user_ids: Collection[int], node: str, now_ms: float) -> None:
    """Their last sockets on ``node`` have gone: the seats are kept for a while."""
    for chunk in _chunks(user_ids):
        seats = PartySeat.filter(party_id=party_id, node=node, user_id__in=chunk)
        await seats.update(until_ms=round(now_ms) + AWAY_MS)


async def kept(party_id: int, user_ids: Collection[int], now_ms: float) -> set[int]:
    """Those who have a seat, or one that is kept for them."""
    if not user_ids:
        return set()
    rows = await db.rows(
        f"SELECT DISTINCT user_id FROM party_seat WHERE party_id = {party_id:d} "  # noqa: S608 - numbers
        f"AND user_id IN ({','.join(f'{one:d}' for one in user_ids)}) AND {_ALIVE.format(now=round(now_ms))} "
        f"AND (until_ms IS NULL OR until_ms > {round(now_ms):d})"
    )
    return {row["user_id"] for row in rows}


async def living(now_ms: float) -> list[list[str]]:
    """Nodes that have said lately that they live, and all that count as alive. One query."""
    rows = await PartyNode.filter(until_ms__gt=round(now_ms)).values_list("node", "until_ms")
    lately = now_ms + NODE_LIFE_MS - LATELY_MS
    return [[node for node, until_ms in rows if until_ms >= lately], [node for node, _ in rows]]


async def drop(party_id: int, user_ids: Collection[int], *, node: str | None = None) -> None:
    """Remove people's seats: those on ``node``, or wherever they are."""
    for chunk in _chunks(user_ids):
        mine = PartySeat.filter(party_id=party_id, user_id__in=chunk)
        await (mine if node is None else mine.filter(node=node)).delete()


async def drop_dead(party_id: int, user_ids: Collection[int], now_ms: float) -> None:
    """Remove those seats of people that count no more."""
    now = round(now_ms)
    living = [row[0] for row in await PartyNode.filter(until_ms__gt=now).values_list("node")]
    for chunk in _chunks(user_ids):
        seats = PartySeat.filter(party_id=party_id, user_id__in=chunk)
        await seats.filter(until_ms__lte=now).delete()
        await seats.exclude(node__in=living).delete() if living else await seats.delete()


async def count(party_id: int, seq: int, host_id: int, now_ms: float) -> Present:
    """Who is there now, and who of them is ready for the timeline ``seq``. One query."""
    (row,) = await db.rows(
        f"SELECT COUNT(DISTINCT CASE WHEN user_id <> {host_id:d} THEN user_id END) AS guests, "  # noqa: S608 - numbers
        f"COUNT(DISTINCT CASE WHEN user_id <> {host_id:d} AND ready_seq = {seq:d} THEN user_id END) AS ready, "
        f"COUNT(CASE WHEN user_id = {host_id:d} THEN 1 END) AS host, "
        f"COUNT(CASE WHEN user_id = {host_id:d} AND ready_seq = {seq:d} THEN 1 END) AS host_ready "
        f"FROM party_seat WHERE party_id = {party_id:d} AND until_ms IS NULL AND {_ALIVE.format(now=round(now_ms))}"
    )
    return Present(row["guests"], row["ready"], row["host"] > 0, row["host_ready"] > 0)


async def online(party_ids: Sequence[int], now_ms: float) -> dict[int, int]:
    """People there now, by party. One query."""
    if not party_ids:
        return {}
    rows = await db.rows(
        "SELECT party_id, COUNT(DISTINCT user_id) AS people FROM party_seat "  # noqa: S608 - numbers
        f"WHERE party_id IN ({','.join(f'{one:d}' for one in party_ids)}) AND until_ms IS NULL "
        f"AND {_ALIVE.format(now=round(now_ms))} GROUP BY party_id"
    )
    return {row["party_id"]: row["people"] for row in rows}


def _chunks(user_ids: Collection[int]) -> list[list[int]]:
    chosen = sorted(user_ids)
    return [chosen[start : start + CHUNK] for start in range(0, len(chosen), CHUNK)]
