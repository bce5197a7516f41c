"""One round of chat: a community on two nodes and a worker, and everything that befalls it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import aiohttp
import orjson

from tests.chaos import truth
from tests.chaos.chat.cast import Cast, make_cast
from tests.chaos.chat.deeds import Deeds
from tests.chaos.chat.evidence import Evidence
from tests.chaos.chat.member import Member, NodeMember, PythonMember
from tests.chaos.chat.script import Script, Size, draw
from tests.chaos.chat.seen import Seen
from tests.chaos.chat.verdict import Verdict, judge_chat
from tests.chaos.faults import Faults
from tests.chaos.ground import Ground, opened, standing
from tests.chaos.logs import unexpected
from tests.chaos.official import node_crowd
from tests.chaos.people import make_people
from tests.chaos.plan import EVERYONE
from tests.e2e.stack import Rest, Stack
from tests.installed import missing

READY = 60.0  # seconds for everybody to come in
CALM = 120.0  # seconds after the last deed for everything to arrive; beyond it something is lost
BOTH = 0.5  # of the people are in all rooms, the others in one
LAST_WORDS = "that is all"
SETTINGS = {
    "RATE_LIMITS": orjson.dumps(
        dict.fromkeys(
            (
                *("auth.register", "subscribe", "community.send"),
                *(f"socket.{name}" for name in ("handshake", "connect", "command", "sync")),
            ),
            "1000000/1m",
        )
    ).decode()
}
_LEFT = "SELECT count(*) FROM job WHERE state = 'due' AND kind LIKE 'community.%'"


@dataclass(slots=True)
class Talked:
    """Figures of one round. Times in seconds."""

    size: Size
    seed: int
    verdict: Verdict
    faults: Counter[str]
    official: int  # clients that we did not write
    messages: int
    kinds: Counter[str]  # commands that were done
    twins: int  # answers to commands that had one already
    dropped: int  # messages of the bus
    reconnects: int
    gaps: int
    repeats: int
    bans: int
    away_worst: float
    seconds: float
    unexpected: list[str]

    @property
    def problems(self) -> list[str]:
        return [*self.verdict.problems, *self.unexpected]


async def round_of_chat(size: Size, seed: int, folder: Path, say: Callable[[str], None]) -> Talked:
    """Do everything that ``size`` and ``seed`` say in ``folder``, and compare."""
    began = monotonic()
    script = draw(size, seed)
    async with (
        standing(size.ground, seed, folder) as ground,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        tokens = await make_people(ground.database_url, size.clients + 1)  # and one who comes at the end
        async with opened(size.ground, seed, ground, folder, **SETTINGS) as stack:
            stack.emulator.add_channel(EVERYONE, "The creator")
            late = tokens.popitem()
            cast = await make_cast(ground.database_url, stack.url, tokens, script.parts, size.rooms, http)
            return await Round(size, seed, script, cast, ground, stack, http, say).run(tokens, late, began)


class Round:
    def __init__(
        self,
        size: Size,
        seed: int,
        script: Script,
        cast: Cast,
        ground: Ground,
        stack: Stack,
        http: aiohttp.ClientSession,
        say: Callable[[str], None],
    ) -> None:
        self._size, self._seed, self._script, self._cast = size, seed, script, cast
        self._ground, self._stack, self._http, self._say = ground, stack, http, say
        self._rng = Random(f"{seed}: rooms")
        self._members: list[Member] = []
        self._missing: list[str] = []

    async def run(self, tokens: dict[int, str], late: tuple[int, str], began: float) -> Talked:
        addresses = self._ground.addresses(self._stack)
        self._members = [
            self._member(number, user_id, token, addresses) for number, (user_id, token) in enumerate(tokens.items())
        ]
        faults = Faults(self._size.ground, self._seed, self._ground, self._stack, self._members, self._count)
        async with self._connected(self._members):
            async with asyncio.timeout(READY):
                await self._all(lambda member: member.in_step)
            self._say("everybody is in")
            deeds = Deeds(self._cast)
            talking = [asyncio.create_task(self._talk(deeds, number)) for number in range(len(self._members))]
            for number, (pause, fault) in enumerate(self._script.faults):
                await asyncio.sleep(pause)
                await faults.befall(fault)
                self._say(f"fault {number + 1} of {len(self._script.faults)}: {fault.target}, {fault.kind or ''}")
            try:
                async with asyncio.timeout(CALM):
                    await asyncio.gather(*talking)
                    self._say("all is said")
                    await self._calm()
            except TimeoutError:
                self._missing += self._who_lacks()
            evidence = await self._evidence(late, addresses)
            verdict = await judge_chat(self._ground.database_url, evidence)
        for member in self._members:
            member.close()
        dead = [f"{process.log.stem} ended by itself" for process in self._stack.processes if not process.running]
        self._missing += dead
        return self._talked(verdict, faults, monotonic() - began)

    # people

    def _member(self, number: int, user_id: int, token: str, addresses: list[str]) -> Member:
        """Each tenth is python-socketio's, and each tenth the official one where Node is here."""
        kind: type[Member] = Member
        if number % 10 in (0, 5):
            kind = PythonMember if number % 10 == 0 or missing("node") else NodeMember
        member = kind(addresses, user_id, token, self._http, Random(f"{self._seed}:{user_id}"))
        rooms = list(self._cast.rooms)
        if user_id not in self._cast.moderators and self._rng.random() >= BOTH:
            rooms = [self._rng.choice(rooms)]
        member.into(rooms, self._http)
        return member

    @contextlib.asynccontextmanager
    async def _connected(self, members: list[Member]) -> AsyncIterator[None]:
        """All run; the first that fails for good ends the round."""
        async with contextlib.AsyncExitStack() as undo, asyncio.TaskGroup() as group:
            if nodes := [member for member in members if isinstance(member, NodeMember)]:
                crowd = await undo.enter_async_context(node_crowd())
                for node in nodes:
                    node.among(crowd)
            tasks = [group.create_task(member.run()) for member in members]
            yield
            for task in tasks:
                task.cancel()

    async def _all(self, condition: Callable[[Member], bool]) -> None:
        for member in self._members:
            await member.became(lambda member=member: condition(member))  # type: ignore[misc]

    async def _talk(self, deeds: Deeds, number: int) -> None:
        for deed in self._script.deeds[number]:
            await asyncio.sleep(deed.pause)
            await deeds.do(self._members[number], deed)

    # the end

    async def _count(self, statement: str) -> int:
        ((row,),) = await truth.rows(self._ground.database_url, statement)
        return int(row[0])

    async def _calm(self) -> None:
        """Nothing is under way; then last words, which all must hear who are in, and nobody else."""
        while await self._count(_LEFT):
            await asyncio.sleep(0.05)
        owner = self._members[0]
        heads: dict[int, int] = {}
        for room in self._cast.rooms:
            words = {"room_id": room, "text": LAST_WORDS, "cid": f"last-words-{room}"}
            said = await owner.do("send-message", room, words, twin=False)
            assert said.reply is not None, said.codes
            heads[room] = said.reply["seq"]
        banned = set(self._cast.banned)

        def has_all(member: Member) -> bool:
            return member.in_step and all(
                seen.last >= heads[room] or member.user_id in banned for room, seen in member.seen.items()
            )

        await self._all(has_all)
        await asyncio.gather(*(member.ask_for_more() for member in self._members))

    def _who_lacks(self) -> list[str]:
        waiting = [f"{one.user_id}: {one.open.name}" for one in self._members if one.open]
        late = [one.user_id for one in self._members if not one.in_step]
        return [f"after {CALM:.0f} s: without an answer {waiting[:5]}, not in step {late[:5]}"]

    async def _evidence(self, late: tuple[int, str], addresses: list[str]) -> Evidence:
        """Through each node somebody comes in fresh, and somebody who asks for all events from the first on."""
        user_id, token = late
        newcomers = []
        for address in addresses:
            for replays in (False, True):
                newcomer = Member([address], user_id, token, self._http, Random(1))
                newcomer.into(self._cast.rooms, self._http)
                if replays:
                    for room, view in newcomer.seen.items():
                        view.epoch = self._members[0].seen[room].epoch
                newcomers.append(newcomer)
        async with asyncio.timeout(READY), self._connected(newcomers):
            for newcomer in newcomers:
                await newcomer.became(lambda newcomer=newcomer: newcomer.in_step)  # type: ignore[misc]
            full, seqs = {}, {}
            for room in self._cast.rooms:
                events = await self._history(room, addresses[-1], token)
                full[room] = {event["data"]["message_id"]: event["data"] for event in events}
                seqs.update({event["data"]["message_id"]: event["seq"] for event in events})
            for newcomer in newcomers:
                newcomer.close()
        seen: list[Seen] = [seen for member in self._members for seen in member.seen.values()]
        fresh = [one for newcomer in newcomers for one in newcomer.seen.values()]
        for one in fresh:
            one.here = True  # until they were cut, at the end
        return Evidence(
            said=[said for member in self._members for said in member.said],
            seen=seen,
            late=fresh,
            full=full,
            seqs=seqs,
            modes={one.room: one.mode for one in fresh},
            moderators=self._cast.moderators,
        )

    async def _history(self, room: int, address: str, token: str) -> list[dict[str, Any]]:
        rest = Rest(address, self._http)
        rest.token = token
        found: list[dict[str, Any]] = []
        page = await rest.ok("GET", f"/rooms/{room}/messages?limit=100")
        while True:
            found = [*page["events"], *found]
            if not page["more"]:
                return found
            page = await rest.ok("GET", f"/rooms/{room}/messages?limit=100&before_seq={found[0]['seq']}")

    def _talked(self, verdict: Verdict, faults: Faults, seconds: float) -> Talked:
        said = [said for member in self._members for said in member.said]
        seen = [seen for member in self._members for seen in member.seen.values()]
        logs = [process.log for process in self._stack.processes]
        kinds = Counter(one.name for one in said if one.replies)
        return Talked(
            size=self._size,
            seed=self._seed,
            verdict=verdict,
            faults=faults.done,
            official=sum(type(member) is not Member for member in self._members),
            messages=kinds["send-message"],
            kinds=kinds,
            twins=sum(max(0, len(one.replies) - 1) for one in said),
            dropped=self._ground.dropper.dropped if self._ground.dropper else 0,
            reconnects=sum(member.connects - 1 for member in self._members),
            gaps=sum(one.gaps for one in seen),
            repeats=sum(one.repeats for one in seen),
            bans=kinds["ban-member"],
            away_worst=max(member.longest_away for member in self._members),
            seconds=seconds,
            unexpected=[*self._missing, *unexpected(logs, self._ground.outages)],
        )
