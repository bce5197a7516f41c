"""Whether every client's log equals the database, and whether the database is what it should be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mypick.clock import to_wire
from tests.chaos import truth
from tests.chaos.client import Follower

SHOWN = 5  # problems of one sort that are told in full

_STREAMS = "SELECT id, key, epoch, head_seq, floor_seq FROM stream WHERE key LIKE 'inbox:%'"
_EVENTS = "SELECT stream_id, seq, id, type, ref, at, data FROM stream_event ORDER BY stream_id, seq"
_NOTICES = "SELECT id, kind, title, body, url, image_url, creator_id, content_id FROM notice"
_NOTIFICATIONS = "SELECT id, notice_id, user_id, seq, read_at FROM notification"
_INBOXES = "SELECT user_id, unread_count FROM inbox"
_CONTENT = "SELECT title FROM content"
_JOBS = "SELECT kind, state, last_error FROM job WHERE state <> 'done'"
_FIELDS = ("kind", "title", "body", "url", "image_url", "creator_id", "content_id")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was compared, and what was wrong: lost, doubled and out of order in clients' logs, and everything in
    words."""

    compared: int
    lost: int
    doubled: int
    reordered: int
    problems: tuple[str, ...]


async def judge(
    database_url: str, clients: Sequence[Follower], posts: Sequence[str], followers: Mapping[str, Sequence[int]]
) -> Judged:
    """Compare. ``posts`` are the titles of all that was published, ``followers`` user ids by title."""
    tables = await truth.rows(
        database_url, _STREAMS, _EVENTS, _NOTICES, _NOTIFICATIONS, _INBOXES, _CONTENT, _JOBS
    )
    streams, events, notices, notifications, inboxes, content, jobs = tables
    logs = _logs(streams, events, notices)
    told = [_compare(client, logs.get(client.stream, [])) for client in clients]
    bodies = {row[0]: row[3] for row in notices}
    problems = [
        *few("logs", (problem for _, _, _, wrong in told for problem in wrong)),
        *few("streams", _gaps(streams, logs)),
        *few("posts", _differ(Counter(posts), Counter(row[0] for row in content), "kept")),
        *few("notices", _differ(Counter(posts), Counter(bodies.values()), "announced")),
        *few("notifications", _wrongly_told(notifications, bodies, posts, followers)),
        *few("rows", _not_the_events(streams, events, notifications)),
        *few("counters", _miscounted(inboxes, notifications)),
        *few("reads", _unread_after_ack(clients, notifications)),
        *few("jobs", (f"a job {kind} is {state}: {error}" for kind, state, error in jobs if _is_left(kind, state))),
        *few("resets", (f"{client.stream} was reset {client.resets} times" for client in clients if client.resets)),
    ]
    return Judged(
        compared=sum(len(log) for log in logs.values()),
        lost=sum(lost for lost, _, _, _ in told),
        doubled=sum(doubled for _, doubled, _, _ in told),
        reordered=sum(reordered for _, _, reordered, _ in told),
        problems=tuple(problems),
    )


def _logs(
    streams: Sequence[truth.Row], events: Sequence[truth.Row], notices: Sequence[truth.Row]
) -> dict[str, list[dict[str, Any]]]:
    """What the wire should have said, by stream, made from the rows."""
    stream_of = {row[0]: row for row in streams}
    notice_of = {row[0]: dict(zip(_FIELDS, row[1:], strict=True)) for row in notices}
    logs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for stream_id, seq, event_id, kind, ref, at, data in events:
        if stream_id in stream_of:
            _, key, epoch, _, _ = stream_of[stream_id]
            logs[key].append(
                {
                    "type": kind,
                    "stream": key,
                    "epoch": epoch,
                    "seq": seq,
                    "id": event_id,
                    "at": to_wire(truth.moment(at)),
                    "data": {**notice_of[ref], **truth.decoded(data)},
                }
            )
    return logs


def _compare(client: Follower, log: Sequence[dict[str, Any]]) -> tuple[int, int, int, list[str]]:
    """Lost, doubled, out of order, and all that differs, of one client's log against the rows of its stream."""
    first = (client.first_unread or {"head_seq": 0})["head_seq"]
    wanted = [event for event in log if event["seq"] > first]
    seen = [received.event for received in client.log]
    if seen == wanted:
        return 0, 0, 0, []
    counts = Counter(event["seq"] for event in seen)
    lost = [event["seq"] for event in wanted if event["seq"] not in counts]
    doubled = sum(count - 1 for count in counts.values())
    reordered = sum(1 for one, other in pairwise(seen) if other["seq"] < one["seq"])
    by_seq = {event["seq"]: event for event in wanted}
    altered = [event["seq"] for event in seen if by_seq.get(event["seq"]) != event]
    wrong = f"{client.stream}: lost {lost}, doubled {doubled}, reordered {reordered}, not as in the database {altered}"
    return len(lost), doubled, reordered, [wrong]


def _gaps(streams: Sequence[truth.Row], logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterable[str]:
    for _, key, _, head_seq, floor_seq in streams:
        seqs = [event["seq"] for event in logs.get(key, ())]
        if seqs != list(range(floor_seq + 1, head_seq + 1)):
            yield f"{key} has {len(seqs)} events, floor {floor_seq}, head {head_seq}"


def _differ(wanted: Counter[str], found: Counter[str], done: str) -> Iterable[str]:
    for title in sorted(wanted.keys() | found.keys()):
        if wanted[title] != found[title]:
            yield f"{title!r} was published {wanted[title]} times and {done} {found[title]} times"


def _wrongly_told(
    notifications: Sequence[truth.Row],
    bodies: Mapping[int, str],
    posts: Sequence[str],
    followers: Mapping[str, Sequence[int]],
) -> Iterable[str]:
    wanted = Counter((title, user_id) for title in posts for user_id in followers[title])
    found = Counter((bodies[notice_id], user_id) for _, notice_id, user_id, _, _ in notifications)
    for (title, user_id), count in ((wanted - found) + (found - wanted)).items():
        yield f"{title!r} and user {user_id}: {found[title, user_id]} notifications, {count} too few or too many"


def _not_the_events(
    streams: Sequence[truth.Row], events: Sequence[truth.Row], notifications: Sequence[truth.Row]
) -> Iterable[str]:
    user_of = {row[0]: int(row[1].partition(":")[2]) for row in streams}
    logged = {
        (event_id, ref, user_of[stream_id], seq)
        for stream_id, seq, event_id, _, ref, _, _ in events
        if stream_id in user_of
    }
    for row in sorted(logged ^ {tuple(row[:4]) for row in notifications}):
        yield f"event or notification without the other: id {row[0]}, notice {row[1]}, user {row[2]}, seq {row[3]}"


def _miscounted(inboxes: Sequence[truth.Row], notifications: Sequence[truth.Row]) -> Iterable[str]:
    unread = Counter(user_id for _, _, user_id, _, read_at in notifications if read_at is None)
    for user_id, count in inboxes:
        if count != unread[user_id]:
            yield f"user {user_id} is shown {count} unread and has {unread[user_id]}"
    for user_id in unread.keys() - {row[0] for row in inboxes}:
        yield f"user {user_id} has {unread[user_id]} unread and no counter"


def _unread_after_ack(clients: Sequence[Follower], notifications: Sequence[truth.Row]) -> Iterable[str]:
    upto = {client.user_id: client.read_upto for client in clients}
    for _, _, user_id, seq, read_at in notifications:
        if read_at is None and seq <= upto.get(user_id, 0):
            yield f"user {user_id} was told that {seq} is read, and it is not"


def _is_left(kind: str, state: str) -> bool:
    """Looks at channels go on for ever; a dead job or a fan-out that has not ended is wrong."""
    return state == "dead" or kind == "notifications.fan-out"


def few(sort: str, problems: Iterable[str]) -> list[str]:
    """Problems of one sort: some in full, and how many more."""
    told = list(problems)
    more = [f"{sort}: and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return [*(f"{sort}: {problem}" for problem in told[:SHOWN]), *more]
