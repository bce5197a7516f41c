"""One who is in rooms and gives commands: over our own socket, python-socketio's client, or the official one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiohttp

from tests.chaos.chat.seen import Seen
from tests.chaos.client import LOST, PAGE, Follower
from tests.chaos.official import NodeFollower, PythonFollower

AGAIN = 0.3  # seconds until who was refused asks once more: at the door of a room, or because the server could not
TWINS = 3  # tries to bring the twin of a command through its own door
DURABLE = frozenset(
    {
        *("message-created", "message-edited", "message-deleted", "reaction-changed", "message-pinned"),
        *("preview-changed", "room-mode-changed", "member-sanctioned", "role-changed", "community-changed"),
    }
)
LIGHT = frozenset({"presence", "typing", "server-draining", "desk-changed"})
DOORS: Mapping[str, tuple[str, str, str]] = {
    "send-message": ("POST", "/rooms/{room_id}/messages", "room_id"),
    "edit-message": ("PATCH", "/messages/{message_id}", "message_id"),
    "timeout-member": ("POST", "/rooms/{room_id}/timeouts", "room_id"),
    "ban-member": ("POST", "/rooms/{room_id}/bans", "room_id"),
    "unban-member": ("POST", "/rooms/{room_id}/unbans", "room_id"),
    "purge-member": ("POST", "/rooms/{room_id}/purges", "room_id"),
    "set-room-mode": ("PATCH", "/rooms/{room_id}/mode", "room_id"),
    "decide-held": ("POST", "/held/{message_id}/decision", "message_id"),
}
"""Commands that REST takes with the same ``cid``: method, path, and the field that stands in it."""


@dataclass(slots=True)
class Said:
    """One command: what was asked, and every answer that came. Times are monotonic seconds."""

    actor: int
    room: int
    name: str
    data: dict[str, Any]
    begun: float
    ended: float = 0.0
    attempts: int = 0
    replies: list[dict[str, Any]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)  # of refusals

    @property
    def cid(self) -> str:
        return str(self.data["cid"])

    @property
    def reply(self) -> dict[str, Any] | None:
        return self.replies[0] if self.replies else None

    @property
    def refused(self) -> bool:
        """Every attempt was answered, and none was done."""
        return not self.replies and len(self.codes) == self.attempts

    @property
    def unsure(self) -> bool:
        """Refused, but one attempt's answer is lost: it may have been done, once."""
        return not self.replies and not self.refused


class Member(Follower):
    """``in_step`` while it is in all its rooms, or outside their door, and lacks nothing."""

    namespace = "/community"
    seen: dict[int, Seen]
    said: list[Said]
    done: asyncio.Event  # what was asked last has its answer
    open: Said | None
    door: aiohttp.ClientSession
    shut: set[int]

    def into(self, rooms: Sequence[int], door: aiohttp.ClientSession) -> None:
        """``door`` is where twins go."""
        self.seen = {room: Seen(self.user_id, room) for room in rooms}
        self.said, self.open, self.door = [], None, door
        self.done = asyncio.Event()
        self.shut = set()  # rooms that would not have it
        self._waits: set[asyncio.Task[None]] = set()

    # commands

    async def do(self, name: str, room: int, data: dict[str, Any], *, twin: bool) -> Said:
        """Give a command, again after each lost connection, until it has an answer."""
        said = self.open = Said(self.user_id, room, name, data, monotonic())
        self.said.append(said)
        self.done.clear()
        other = asyncio.create_task(self._twin(said)) if twin and name in DOORS else None
        await self._give(said)
        await self.done.wait()
        if other:
            await other
        said.ended = monotonic()
        self.open = None
        return said

    async def _give(self, said: Said) -> None:
        if self._linked:
            said.attempts += 1
            with contextlib.suppress(*LOST):
                await self._ask(said.name, said.data)

    async def _twin(self, said: Said) -> None:
        method, path, place = DOORS[said.name]
        body = {key: value for key, value in said.data.items() if key != place}
        headers = {"Authorization": f"Bearer {self._token}"}
        for _ in range(TWINS):
            url = f"{self._rng.choice(self._addresses)}/api/v1{path.format(**said.data)}"
            said.attempts += 1
            try:
                timeout = aiohttp.ClientTimeout(total=20)
                async with self.door.request(method, url, json=body, headers=headers, timeout=timeout) as response:
                    answer = await response.json(content_type=None)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
                await asyncio.sleep(AGAIN)
                continue
            if answer["success"]:
                said.replies.append(answer["data"])
                return
            said.codes.append(answer["error"]["code"])
            if said.codes[-1] != "UNAVAILABLE":
                return
            await asyncio.sleep(AGAIN)

    async def _answered(self, said: Said, reply: dict[str, Any]) -> None:
        if reply["ok"]:
            said.replies.append(reply["data"])
        else:
            code = reply["error"]["code"]
            said.codes.append(code)
            if code == "UNAVAILABLE":
                self._later(lambda: self._give(said))
                return
        if said is self.open:
            self.done.set()

    # rooms

    async def _came_in(self) -> None:
        self.shut.clear()
        for task in self._waits:
            task.cancel()
        for seen in self.seen.values():
            seen.begin()
            await self._join(seen)
        if self.open is not None and not self.done.is_set():
            await self._give(self.open)

    async def _join(self, seen: Seen) -> None:
        if seen.asked is None and not seen.here:
            seen.asked = monotonic()
            known = {} if seen.epoch is None else {"epoch": seen.epoch, "after_seq": seen.last}
            await self._ask("join-room", {"room_id": seen.room, **known})

    async def _more(self, seen: Seen) -> None:
        if seen.asked is not None:
            seen.wanted = True
            return
        seen.asked = monotonic()
        await self._ask(
            "sync",
            {"stream": f"room:{seen.room}", "epoch": seen.epoch, "after_seq": seen.last, "limit": PAGE},
        )

    async def ask_for_more(self) -> None:
        """``sync`` of all rooms where it is, once more."""
        here = [seen for seen in self.seen.values() if seen.here]
        for seen in here:
            await self._more(seen)
        await self.became(lambda: all(seen.asked is None and not seen.held for seen in here))

    async def _event(self, name: str, data: dict[str, Any]) -> None:
        if name in DURABLE:
            seen = self.seen[int(data["stream"].partition(":")[2])]
            if not seen.here and seen.asked is None:
                raise AssertionError(f"user {self.user_id} is sent {name} of {data['stream']}, where it is not")
            if seen.receive({"type": name, **data}):
                await self._more(seen)
        elif name == "lagged":
            await self._more(self.seen[int(data["stream"].partition(":")[2])])
        elif name == "evicted":
            await self._evicted(data)
        elif name not in LIGHT:
            raise AssertionError(f"unexpected event {name}")
        self._settle()

    async def _evicted(self, data: Mapping[str, Any]) -> None:
        self.refused[f"evicted: {data['code']}"] += 1
        if data["stream"].startswith("room:"):
            seen = self.seen[int(data["stream"].partition(":")[2])]
            seen.ejected()
            self._knock(seen)

    def _knock(self, seen: Seen) -> None:
        self.shut.add(seen.room)
        self._later(lambda: self._join(seen))

    def _later(self, work: Callable[[], Awaitable[None]]) -> None:
        async def wait() -> None:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * AGAIN)
            with contextlib.suppress(*LOST):  # the next connection begins anew
                await work()

        task = asyncio.create_task(wait())
        self._waits.add(task)
        task.add_done_callback(self._waits.discard)

    async def _ack(self, name: str, asked: dict[str, Any], reply: dict[str, Any]) -> None:
        if "cid" in asked:
            said = next(said for said in reversed(self.said) if said.cid == asked["cid"])
            await self._answered(said, reply)
        elif name == "join-room":
            await self._let_in(self.seen[asked["room_id"]], reply)
        else:
            seen = self.seen[int(asked["stream"].partition(":")[2])]
            if not seen.here:
                seen.asked = None  # put out meanwhile
            elif not reply["ok"]:
                seen.asked = None
                self.refused[reply["error"]["code"]] += 1
                self._later(lambda: self._more(seen))
            elif reply["data"]["reset"]:
                seen.begin()
                await self._join(seen)
            elif seen.synced(reply["data"]):
                await self._more(seen)
        self._settle()

    async def _let_in(self, seen: Seen, reply: dict[str, Any]) -> None:
        if reply["ok"]:
            self.shut.discard(seen.room)
            if seen.joined(reply["data"]):
                await self._more(seen)
            return
        self.refused[reply["error"]["code"]] += 1
        seen.asked = None
        self._knock(seen)

    def _settle(self) -> None:
        self.in_step = all(
            seen.room in self.shut or (seen.here and seen.asked is None) for seen in self.seen.values()
        )
        if self.in_step and self._away_since is not None:
            self.longest_away = max(self.longest_away, monotonic() - self._away_since)
            self._away_since = None
        self._changed.set()

    def close(self) -> None:
        for task in self._waits:
            task.cancel()


class PythonMember(Member, PythonFollower):
    pass


class NodeMember(Member, NodeFollower):
    pass
