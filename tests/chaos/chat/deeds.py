"""A line of the script, done by somebody who knows what their client shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from tests.chaos.chat.cast import HELD, Cast
from tests.chaos.chat.member import Member, Said
from tests.chaos.chat.script import Deed

T = TypeVar("T")

EMOJI = ("👍", "🎉", "😀")
RECENT = 8  # messages among which one chooses: so that several meet at the same one
MODES: Sequence[dict[str, Any]] = (
    {"slow_seconds": 1},
    {"slow_seconds": 0},
    {"unique_text": True},
    {"locked": True},
    {"locked": False, "unique_text": False},
    {"members_only": True},
    {"members_only": False},
)


class Deeds:
    """``of`` makes the command for a deed, or None where there is nothing to do it to."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._cids: Iterator[int] = itertools.count(1)
        self._modes = itertools.cycle(MODES)
        self._held: set[int] = set()  # that somebody decides on

    async def do(self, who: Member, deed: Deed) -> Said | None:
        room = _pick(list(who.seen), deed.dice[0])
        found = self._of(who, deed, room)
        if found is None:
            return None
        name, data = found
        cid = f"{who.user_id}-{next(self._cids)}"
        said = await who.do(name, data.pop("_room", room), {**data, "cid": cid}, twin=deed.twin)
        self._remember(said)
        return said

    def _of(self, who: Member, deed: Deed, room: int) -> tuple[str, dict[str, Any]] | None:
        dice = deed.dice[1]
        tag = f"{who.user_id} {len(who.said)}"
        match deed.kind:
            case "send":
                return "send-message", {"room_id": room, "text": f"words of {tag}"}
            case "held":
                return "send-message", {"room_id": room, "text": f"{HELD} of {tag}"}
            case "mode":
                return "set-room-mode", {"room_id": room, **next(self._modes)}
            case "decide":
                left = [pair for pair in self._cast.waiting if pair[0] in who.seen]
                if not left:
                    return None
                in_room, message = left[0]
                if message in self._held:  # somebody else is at it: one in two looks away
                    self._cast.waiting.remove(left[0])
                self._held.add(message)
                return "decide-held", {"message_id": message, "approve": dice < 0.6, "_room": in_room}
            case "timeout" | "ban" | "purge":
                return self._on_person(deed.kind, room, dice)
            case "unban":
                if not self._cast.banned:
                    return None
                return "unban-member", {"room_id": room, "user_id": self._cast.banned.pop(0)}
            case kind:
                return self._on_message(who, kind, room, dice, tag)

    def _on_person(self, kind: str, room: int, dice: float) -> tuple[str, dict[str, Any]]:
        some = [user for user, part in self._cast.parts.items() if part in ("member", "guest")]
        on = {"room_id": room, "user_id": _pick(some, dice)}
        match kind:
            case "timeout":
                return "timeout-member", {**on, "seconds": 2, "reason": "slowly"}
            case "ban":
                purge: dict[str, Any] = {"purge": "all"} if dice * 100 % 1 < 0.3 else {}
                return "ban-member", {**on, "reason": "out", **purge}
        return "purge-member", on

    def _on_message(
        self, who: Member, kind: str, room: int, dice: float, tag: str
    ) -> tuple[str, dict[str, Any]] | None:
        standing = [one for one in who.seen[room].messages.values() if not one["deleted"]]
        own = {said.reply["id"] for said in who.said if said.name == "send-message" and said.reply}
        if kind == "edit" or (kind == "delete" and who.user_id not in self._cast.moderators):
            standing = [one for one in standing if one["message_id"] in own]
        if not standing:
            return None
        message = _pick(standing[-RECENT:], dice)
        on = {"message_id": message["message_id"]}
        match kind:
            case "reply":
                return "send-message", {"room_id": room, "text": f"answer of {tag}", "reply_to": message["message_id"]}
            case "edit":
                return "edit-message", {**on, "text": f"better words of {tag}", "rev": message["rev"]}
            case "delete":
                return "delete-message", on
            case "react":
                return "react", {**on, "emoji": _pick(EMOJI, dice * 7 % 1), "on": dice * 13 % 1 < 0.7}
            case "pin":
                return "pin-message", {**on, "on": not message["pinned"]}
            case unknown:
                raise AssertionError(unknown)

    def _remember(self, said: Said) -> None:
        """What others may act on."""
        if said.reply is None:
            return
        if said.reply.get("status") == "held":
            self._cast.waiting.append((said.room, said.reply["id"]))
        elif said.name == "ban-member":
            self._cast.banned.append(said.data["user_id"])


def _pick(some: Sequence[T], dice: float) -> T:
    return some[int(dice * len(some))]
