"""What must not be, whatever breaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tests.chaos.chat.evidence import Evidence
from tests.chaos.chat.tables import Row, Tables


def after_bans(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """Nothing of a person between their ban and its end: not in the log of a room, not by the clock of clients."""
    for room, events in tables.by_room.items():
        out: set[int] = set()
        for event in events:
            if event["type"] == "member-sanctioned":
                (out.add if event["data"]["kind"] == "ban" else _keep(event, out))(event["data"]["user_id"])
            elif event["actor"] in out:
                yield f"{event['type']} {event['seq']} of room {room} is by {event['actor']}, who was banned"
        if out != tables.bans:
            yield f"room {room} was told of the bans of {sorted(out)}, and the table has {sorted(tables.bans)}"
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
    lifted: dict[int, list[float]] = defaultdict(list)
    for one in evidence.said:
        if one.name == "unban-member" and not one.refused:
            lifted[one.data["user_id"]].append(one.begun)
    for one in evidence.said:
        if one.name == "ban-member" and one.replies:
            user = one.data["user_id"]
            until = min((at for at in lifted[user] if at > one.begun), default=float("inf"))
            spans[user].append((one.ended, until))
    for one in evidence.said:
        for began, ended in spans[one.actor]:
            if one.replies and one.begun > began and one.ended < ended:
                yield f"{one.name} {one.cid} was done for {one.actor}, after their ban was confirmed"


def _keep(event: Row, out: set[int]) -> Any:
    return out.discard if event["data"]["kind"] == "unban" else lambda _: None


def leaked(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """A held text is seen once it was let through, as the message with its id, or by nobody."""
    held = {
        one.data["text"]: one.reply["id"]
        for one in evidence.said
        if one.name == "send-message" and one.reply and one.reply["status"] == "held"
    }
    approved = {event["id"] for event in tables.events if event["type"] == "message-created"}
    for seen in (*evidence.seen, *evidence.late):
        if seen.user_id in evidence.moderators:
            continue
        for heard in seen.heard:
            text = heard.event["data"].get("text")
            message_id = held.get(text) if text else None
            if message_id is not None and (
                message_id not in approved or heard.event["data"]["message_id"] != message_id
            ):
                yield f"user {seen.user_id} was sent the text of the held message {message_id}"


def undead(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """Whoever asks after a text was deleted is not given it."""
    gone: dict[int, float] = {}
    for one in evidence.said:
        if one.name == "delete-message" and one.replies:
            message_id = one.data["message_id"]
            gone[message_id] = min(one.ended, gone.get(message_id, one.ended))
    for seen in (*evidence.seen, *evidence.late):
        for heard in seen.heard:
            data = heard.event["data"]
            at = gone.get(data.get("message_id", 0))
            if at is not None and heard.asked is not None and heard.asked > at and data.get("text"):
                yield f"user {seen.user_id} was given the text of message {data['message_id']}, which was deleted"
    dead = {one for one, row in tables.messages.items() if row["deleted"]}
    for seen in evidence.late:
        for heard in seen.heard:
            data = heard.event["data"]
            if data.get("message_id") in dead and data.get("text"):
                yield f"who came at the end was given the text of message {data['message_id']}, which was deleted"
    for message_id, _ in tables.revisions:
        if message_id in dead:
            yield f"a revision of message {message_id} is kept, which was deleted"


def purged(tables: Tables, evidence: Evidence) -> Iterable[str]:
    """A purge is finished, and nothing is left of what was said before it was begun."""
    for purge in tables.purges:
        if purge["finished"] is None:
            yield f"the purge {purge['id']} is not finished"
    for one in evidence.said:
        everywhere = one.name == "ban-member" and one.data.get("purge") == "all"
        if not one.replies or not (everywhere or one.name == "purge-member"):
            continue
        before = [
            said.reply["id"]
            for said in evidence.said
            if said.name == "send-message" and said.actor == one.data["user_id"] and said.reply
            if said.reply["status"] == "sent" and said.ended < one.begun and (everywhere or said.room == one.room)
        ]
        left = [message_id for message_id in before if not tables.messages[message_id]["deleted"]]
        if left:
            yield f"{one.name} {one.cid} left {left[:5]} of user {one.data['user_id']}"
        if everywhere and one.reply:
            cut = one.reply["seq"]
            late = [
                message_id
                for message_id, row in tables.messages.items()
                if row["author"] == one.data["user_id"] and row["room"] == one.room
                if row["seq"] < cut and not row["deleted"]
            ]
            if late:
                yield f"the ban {one.cid} left {late[:5]} of user {one.data['user_id']}, which were there when it came"
