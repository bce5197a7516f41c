"""Whether what everybody saw, was told and did agrees with the tables, and the tables with themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.chat.breaches import after_bans, leaked, purged, undead
from tests.chaos.chat.evidence import Evidence
from tests.chaos.chat.member import Said
from tests.chaos.chat.tables import Row, Tables, read_tables
from tests.chaos.verdict import few

EVENTS: Mapping[str, str] = {
    "message-created": "send-message",
    "message-edited": "edit-message",
    "message-deleted": "delete-message",
    "message-pinned": "pin-message",
    "room-mode-changed": "set-room-mode",
}
"""What makes each event of one room."""
SANCTIONS = {"timeout": "timeout-member", "ban": "ban-member", "unban": "unban-member"}
ALWAYS = frozenset({"edit-message", "set-room-mode", "ban-member", "timeout-member"})
"""Commands that leave an event whenever they are done."""
LOGGED = {"ban-member": "ban", "timeout-member": "timeout", "set-room-mode": "set-room-mode", "purge-member": "purge"}


@dataclass(frozen=True, slots=True)
class Verdict:
    events: int
    compared: int  # events in all clients' logs
    done: int
    refused: int
    unsure: int
    problems: tuple[str, ...]


async def judge_chat(database_url: str, evidence: Evidence) -> Verdict:
    """Read the tables with plain SQL and compare."""
    tables = await read_tables(database_url)
    said = list(evidence.said)
    problems = [
        *few("logs", _logs(tables, evidence)),
        *few("states", _states(evidence)),
        *few("tables", _shown(tables, evidence)),
        *few("streams", _gaps(tables)),
        *few("once", _once(tables, evidence)),
        *few("answers", _answers(said)),
        *few("effects", _effects(tables, said)),
        *few("moderation log", _logged(tables, said)),
        *few("bans", after_bans(tables, evidence)),
        *few("held", leaked(tables, evidence)),
        *few("deleted", undead(tables, evidence)),
        *few("purges", purged(tables, evidence)),
        *few("jobs", (f"a job {kind} is {state}: {error}" for kind, state, error in tables.jobs)),
    ]
    return Verdict(
        events=len(tables.events),
        compared=sum(len(seen.heard) for seen in (*evidence.seen, *evidence.late)),
        done=sum(bool(one.replies) for one in said),
        refused=sum(one.refused for one in said),
        unsure=sum(one.unsure for one in said),
        problems=tuple(problems),
    )


# what was seen


def _logs(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """Each event that a client was sent is the row of that seq."""
    rows = {(row["room"], row["seq"]): row for row in tables.events}
    for seen in (*evidence.seen, *evidence.late):
        wrong = []
        for heard in seen.heard:
            event = heard.event
            row = rows.get((seen.room, event["seq"]))
            told = (event["id"], event["type"], event["at"], (event.get("actor") or {}).get("id"))
            if row is None or told != (row["id"], row["type"], row["at"], row["actor"]):
                wrong.append(event["seq"])
        if wrong:
            yield f"user {seen.user_id} in room {seen.room} was sent what is not in the table: {wrong[:5]}"


def _states(evidence: Evidence) -> Iterable[str]:
    """Who is in a room has it as whoever comes in fresh."""
    for seen in (*evidence.seen, *evidence.late):
        if not seen.here:
            continue
        full = evidence.full[seen.room]
        known = {one for one in full if evidence.seqs[one] >= seen.since}
        lacks, more = known - seen.messages.keys(), seen.messages.keys() - full.keys()
        others = [one for one in known & seen.messages.keys() if seen.messages[one] != full[one]]
        if lacks or more or others:
            yield (
                f"user {seen.user_id} in room {seen.room} lacks {sorted(lacks)[:3]}, has {sorted(more)[:3]} more and "
                f"{sorted(others)[:3]} otherwise"
            )
        if seen.mode != evidence.modes[seen.room]:
            yield f"user {seen.user_id} takes the mode of room {seen.room} for {seen.mode}"


def _shown(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """What a fresh client has is what the tables have."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for message_id, emoji, _ in tables.reactions:
        counts[message_id][emoji] += 1
    for room, full in evidence.full.items():
        rows = {one: row for one, row in tables.messages.items() if row["room"] == room}
        if rows.keys() != full.keys():
            yield f"room {room} has {len(rows)} messages and shows {len(full)}"
        for one in rows.keys() & full.keys():
            row, data = rows[one], full[one]
            told = {emoji["emoji"]: emoji["count"] for emoji in data["reactions"]}
            pairs = (
                (data["text"], row["text"]),
                (data["rev"], row["rev"]),
                (data["deleted"], row["deleted"]),
                (data["pinned"], one in tables.pins),
                (told, dict(counts[one])),
            )
            if any(shown != kept for shown, kept in pairs):
                yield f"message {one} is shown as {data}, and the tables have {row}"
        if evidence.modes[room] != tables.modes[room]:
            yield f"room {room} has the mode {tables.modes[room]} and shows {evidence.modes[room]}"


def _gaps(tables: Tables) -> Iterable[str]:
    for room, head in tables.heads.items():
        seqs = [event["seq"] for event in tables.by_room[room]]
        if seqs != list(range(head["floor"] + 1, head["head"] + 1)):
            yield f"room {room} has {len(seqs)} events, floor {head['floor']}, head {head['head']}"


# what was done


def _once(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """Each event of a person is one command that was done, and each command one event."""
    claims: dict[tuple[int, int, str], list[Said]] = defaultdict(list)
    for said in evidence.said:
        if said.reply and said.reply.get("seq"):
            claims[said.room, said.reply["seq"], said.name].append(said)
    unsure = Counter((said.actor, said.name) for said in evidence.said if said.unsure)
    purgers = {(purge["user"], purge["actor"]) for purge in tables.purges}
    claimed: set[str] = set()
    for event in tables.events:
        name = EVENTS.get(event["type"])
        if event["type"] == "member-sanctioned":
            name = SANCTIONS[event["data"]["kind"]]
        if event["type"] == "message-created" and event["id"] in tables.held:
            name = "decide-held"
        if name is None or event["actor"] is None:
            continue
        if name == "delete-message" and (tables.messages[event["ref"]]["author"], event["actor"]) in purgers:
            continue
        actor = None if name == "decide-held" else event["actor"]
        mine = [one for one in claims[event["room"], event["seq"], name] if actor in (None, one.actor)]
        if len(mine) == 1:
            claimed.add(mine[0].cid)
        elif name in SANCTIONS.values() and _elsewhere(event, name, evidence.said):
            continue
        elif unsure[event["actor"], name] > 0:
            unsure[event["actor"], name] -= 1
        else:
            yield f"{event['type']} {event['seq']} of room {event['room']} was done by {len(mine)} commands"
    for said in evidence.said:
        sent = said.name == "send-message" and said.reply is not None and said.reply["status"] == "sent"
        if (sent or (said.reply and said.name in ALWAYS)) and said.cid not in claimed:
            yield f"{said.name} {said.cid} was done, says {said.reply}, and left no event of its own"
    ids = Counter(said.reply["id"] for said in evidence.said if said.name == "send-message" and said.reply)
    for message_id, count in ids.items():
        if count > 1:
            yield f"message {message_id} is the answer to {count} commands"


def _elsewhere(event: Row, name: str, said: Sequence[Said]) -> bool:
    """A sanction is told in every room, and its command has the seq of one."""
    on = event["data"]["user_id"]
    return any(
        one.name == name and one.actor == event["actor"] and one.data["user_id"] == on and one.room != event["room"]
        for one in said
        if one.replies
    )


def _answers(said: Sequence[Said]) -> Iterable[str]:
    for one in said:
        told = [{key: value for key, value in reply.items() if key != "duplicate"} for reply in one.replies]
        if one.name != "purge-member" and any(reply != told[0] for reply in told):
            yield f"{one.name} {one.cid} has several answers: {told}"
        if "INTERNAL" in one.codes:
            yield f"{one.name} {one.cid} was told INTERNAL"
        if one.attempts and not one.replies and not one.codes:
            yield f"{one.name} {one.cid} never got an answer"


def _effects(tables: Tables, said: Sequence[Said]) -> Iterable[str]:
    """What was confirmed is so, and what was refused is not."""
    edits = Counter(one.data["message_id"] for one in said if one.name == "edit-message" and one.replies)
    maybe = Counter(one.data["message_id"] for one in said if one.name == "edit-message" and one.unsure)
    for message_id, row in tables.messages.items():
        if not edits[message_id] <= row["rev"] - 1 <= edits[message_id] + maybe[message_id]:
            yield f"message {message_id} was edited {edits[message_id]} times and has the rev {row['rev']}"
    reacted: dict[tuple[int, str, int], bool | None] = {}
    texts = {row["text"] for row in tables.messages.values()} | {text for _, text in tables.revisions}
    for one in said:  # in the order in which each person gave them
        match one.name:
            case "delete-message" if one.replies and not tables.messages[one.data["message_id"]]["deleted"]:
                yield f"message {one.data['message_id']} was deleted, and is there"
            case "react":
                key = (one.data["message_id"], one.data["emoji"], one.actor)
                if one.replies or one.unsure:
                    reacted[key] = one.data["on"] if one.replies else None
            case "send-message" | "edit-message" if one.refused and one.data["text"] in texts:
                yield f"{one.name} {one.cid} was refused with {one.codes}, and its text is there"
    for key, on in reacted.items():
        if on is not None and (key in tables.reactions) is not (on and not tables.messages[key[0]]["deleted"]):
            yield f"the reaction {key} was last {'put on' if on else 'taken back'}, and the table has it otherwise"
    for key in tables.reactions - reacted.keys():
        yield f"nobody put on the reaction {key}"


def _logged(tables: Tables, said: Sequence[Said]) -> Iterable[str]:
    found = Counter((row[0], row[1]) for row in tables.log)
    done = Counter((one.actor, LOGGED[one.name]) for one in said if one.name in LOGGED and one.replies)
    maybe = Counter((one.actor, LOGGED[one.name]) for one in said if one.name in LOGGED and one.unsure)
    for key in {*done, *(key for key in found if key[1] in LOGGED.values())}:
        if not done[key] <= found[key] <= done[key] + maybe[key]:
            yield f"user {key[0]} did {key[1]} {done[key]} times, and the log has {found[key]}"
    decided = Counter(row[3] for row in tables.log if row[1] in ("approve-held", "reject-held"))
    for message_id, count in decided.items():
        if count > 1:
            yield f"held message {message_id} was decided {count} times"
