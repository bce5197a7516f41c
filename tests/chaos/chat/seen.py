"""What one client makes of one room, by what ``wire.md`` says and nothing else: a snapshot, then events in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOMBSTONE: Mapping[str, Any] = {
    "text": "",
    "deleted": True,
    "hidden": False,
    "mentions": [],
    "reactions": [],
    "pinned": False,
    "preview": None,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One event or message of a snapshot. ``asked`` is when the question was sent (monotonic seconds) where it came in
    an answer; None where the server sent it by itself."""

    event: dict[str, Any]
    asked: float | None
    shown: bool = False  # of a snapshot: a message as it is now


@dataclass(slots=True)
class Seen:
    """``messages`` by id, complete from the seq ``since`` on. ``heard`` is all that it was ever sent."""

    user_id: int
    room: int
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    seqs: dict[int, int] = field(default_factory=dict)  # of the messages
    mode: dict[str, Any] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    epoch: str | None = None
    last: int = 0
    since: int = 0
    here: bool = False
    asked: float | None = None  # a join or sync is under way, since then
    wanted: bool = False  # one more is needed behind it
    repeats: int = 0
    gaps: int = 0
    held: dict[int, dict[str, Any]] = field(default_factory=dict)  # bound: what is sent during one question

    def begin(self) -> None:
        """A new connection: nothing that was asked is answered any more."""
        self.here, self.asked, self.wanted = False, None, False
        self.held.clear()

    def ejected(self) -> None:
        """Put out. What it knows is kept; whoever is let in again resumes."""
        self.begin()

    def joined(self, answer: Mapping[str, Any]) -> bool:
        """Take the answer to ``join-room``. Whether there is more to ask for."""
        self.mode = dict(answer["mode"])
        self.here = True
        return self.synced(answer)

    def synced(self, answer: Mapping[str, Any]) -> bool:
        asked, self.asked = self.asked, None
        if answer["reset"]:
            self.messages, self.seqs = {}, {}
            for event in answer["events"]:
                self.heard.append(Heard(event, asked, shown=True))
                self._keep(event)
            self.epoch, self.last = answer["epoch"], answer["head_seq"]
            self.since = min(self.seqs.values(), default=0) if answer["more"] else 0
        else:
            for event in answer["events"]:
                if event["seq"] == self.last + 1:
                    self._apply(event, asked)
                elif event["seq"] > self.last:
                    raise AssertionError(f"sync after {self.last} left out what is before {event['seq']}")
        while (held := self.held.pop(self.last + 1, None)) is not None:
            self._apply(held, None)
        self.held = {seq: event for seq, event in self.held.items() if seq > self.last}
        more = (not answer["reset"] and answer["more"]) or bool(self.held) or self.wanted
        self.wanted = False
        return bool(more)

    def receive(self, event: dict[str, Any]) -> bool:
        """One live event. Whether ``sync`` is needed."""
        if self.asked is not None and not self.here:
            self.held[event["seq"]] = event  # before the ack of join-room
            return False
        if event["epoch"] != self.epoch:
            raise AssertionError(f"{event['stream']} has the epoch {event['epoch']}, and it was {self.epoch}")
        if event["seq"] <= self.last:
            self.repeats += 1
            return False
        if event["seq"] == self.last + 1:
            self._apply(event, None)
            return False
        self.gaps += 1
        self.held[event["seq"]] = event
        return True

    def _keep(self, event: Mapping[str, Any]) -> None:
        data = event["data"]
        self.messages[data["message_id"]] = dict(data)
        self.seqs[data["message_id"]] = event["seq"]

    def _apply(self, event: dict[str, Any], asked: float | None) -> None:
        self.last = event["seq"]
        self.heard.append(Heard(event, asked))
        data = event["data"]
        message = self.messages.get(data.get("message_id"), {})  # one of before ``since`` is not known
        match event["type"]:
            case "message-created":
                self._keep(event)
            case "message-edited":
                message.update(data)
            case "message-deleted":
                message.update(TOMBSTONE)
            case "reaction-changed":
                message.update(reactions=[] if message.get("deleted") else data["reactions"])
            case "preview-changed":
                message.update(preview=None if message.get("deleted") else data["preview"])
            case "message-pinned":
                message.update(pinned=data["on"] and not message.get("deleted"))
            case "room-mode-changed":
                self.mode = dict(data)
            case "member-sanctioned" | "role-changed" | "community-changed":
                pass
            case unknown:
                raise AssertionError(f"a client does not know {unknown}")
