"""The promise of the streams under everything at once: appends from several nodes, crashes between any two steps,
repeated cids, lost and repeated wake-ups, members that come and go. Afterwards every log equals the database."""

from __future__ import annotations

import asyncio
import contextvars
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.db import open_database
from mypick.errors import DomainError
from mypick.streams.commit import Committer
from mypick.streams.events import Append, Done
from mypick.streams.models import Receipt, StreamEvent
from tests.streams.nodes import Member, Node, assert_gapless, assert_log_equals_database, said

ROOMS = ("room:1", "inbox:1")
MOODS = ("fine", "lose", "half", "repeat", "turn")
STEPS = ("before the transaction", "after the commit", "before publishing", "half published", "before the answer")


# An actor and a cid. Few enough that some are sent again, enough that most are new.
COMMAND = st.tuples(st.integers(1, 2), st.integers(1, 60))
COMMANDS = st.lists(COMMAND, min_size=1, max_size=5)


def unit_of(command: tuple[int, int]) -> Append:
    actor, number = command
    return said(ROOMS[number % len(ROOMS)], f"text of {command}", actor=actor, cid=f"c{number}")


class Killed(BaseException):
    """The process is gone: nothing above may catch it and go on."""


class LossyBus(MemoryBus):
    """Loses, repeats and turns round what it is told to."""

    def __init__(self, exchange: MemoryExchange) -> None:
        super().__init__(exchange)
        self.mood = "fine"

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        if self.mood == "lose":
            return
        if self.mood == "half":
            messages = messages[: len(messages) // 2]
        if self.mood == "repeat":
            messages = [*messages, *messages]
        if self.mood == "turn":
            messages = messages[::-1]
        await super().publish(messages)


class CrashingCommitter:
    """The real committer, and a power cut before or after it."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self.crash_at: str | None = None

    async def commit(self, units: Sequence[Append]) -> list[Done | DomainError]:
        if self.crash_at == STEPS[0]:
            raise Killed
        answers = await self._committer.commit(units)
        if self.crash_at == STEPS[1]:
            raise Killed
        return answers


class CrashingNode(Node):
    def __init__(self, name: str, exchange: MemoryExchange) -> None:
        self.lossy = LossyBus(exchange)
        super().__init__(name, exchange, self.lossy)
        appender = self.streams.appender
        self.committer = CrashingCommitter(appender._committer)
        appender._committer = self.committer  # type: ignore[assignment]
        self._publish = appender._publish
        appender._publish = self.publish
        self.crash_at: str | None = None

    async def publish(self, events: Sequence[Any]) -> None:
        if self.crash_at == STEPS[2]:
            raise Killed
        if self.crash_at == STEPS[3]:
            self.lossy.mood = "half"
            await self._publish(events)
            raise Killed
        await self._publish(events)
        if self.crash_at == STEPS[4]:
            raise Killed


class StreamsMachine(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.context = contextvars.copy_context()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(self.template, self.folder / "db.sqlite3")
        self.exchange = MemoryExchange()
        self.database: Any = open_database(f"sqlite://{self.folder / 'db.sqlite3'}")
        self.nodes: list[CrashingNode] = []
        self.members: list[tuple[int, Member]] = []
        self.acked: dict[tuple[int, str], Any] = {}
        self.born = 0
        self.run(self.open())

    def run(self, work: Any) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(20):
                return await work

        # one context for all steps: the open database is a context variable
        return self.loop.run_until_complete(self.loop.create_task(bounded(), context=self.context))

    async def open(self) -> None:
        await self.database.__aenter__()
        self.nodes = [await self.new_node() for _ in range(2)]
        self.members = [(where, await node.join(room)) for where, node in enumerate(self.nodes) for room in ROOMS]

    async def new_node(self) -> CrashingNode:
        self.born += 1
        node = CrashingNode(f"n{self.born}", self.exchange)
        await node.start()
        return node

    @rule(commands=COMMANDS, where=st.integers(0, 1), mood=st.sampled_from(MOODS))
    def send(self, commands: list[tuple[int, int]], where: int, mood: str) -> None:
        self.nodes[where].lossy.mood = mood
        self.run(self._send(commands, self.nodes[where]))

    @rule(commands=COMMANDS)
    def send_to_both_nodes_at_once(self, commands: list[tuple[int, int]]) -> None:
        async def both() -> None:
            await asyncio.gather(*(self._send(commands, node) for node in self.nodes))

        self.run(both())

    async def _send(self, commands: list[tuple[int, int]], node: CrashingNode) -> None:
        done = await asyncio.gather(*(node.streams.append(unit_of(command)) for command in commands))
        for (actor, number), one in zip(commands, done, strict=True):
            earlier = self.acked.setdefault((actor, f"c{number}"), dict(one.reply))
            assert earlier == dict(one.reply), "one cid, two replies"

    @rule(commands=COMMANDS, where=st.integers(0, 1), step=st.sampled_from(STEPS))
    def node_is_killed_while_it_writes(self, commands: list[tuple[int, int]], where: int, step: str) -> None:
        async def die() -> None:
            node = self.nodes[where]
            node.crash_at = node.committer.crash_at = step
            waiting = [asyncio.ensure_future(node.streams.append(unit_of(command))) for command in commands]
            writer = node._tasks[0]
            await asyncio.wait([writer, *waiting], return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            if writer.done():
                writer.exception()
                node._tasks.pop(0)
            await self._replace(where)

        self.run(die())

    @rule(where=st.integers(0, 1))
    def node_is_killed_in_peace(self, where: int) -> None:
        self.run(self._replace(where))

    async def _replace(self, where: int) -> None:
        await self.nodes[where].kill()
        self.members = [(at, member) for at, member in self.members if at != where]
        self.nodes[where] = await self.new_node()
        self.members += [(where, await self.nodes[where].join(room)) for room in ROOMS]

    @rule(room=st.sampled_from(ROOMS), where=st.integers(0, 1))
    def member_joins(self, room: str, where: int) -> None:
        if len(self.members) < 12:
            self.members.append((where, self.run(self.nodes[where].join(room))))

    @rule(data=st.data())
    def member_leaves(self, data: st.DataObject) -> None:
        if self.members:
            where, member = self.members.pop(data.draw(st.integers(0, len(self.members) - 1)))
            self.run(self.nodes[where].leave(member))

    @rule()
    def all_settles_and_every_log_equals_the_database(self) -> None:
        async def check() -> None:
            for node in self.nodes:
                await node.settle()
            for where, member in self.members:
                await assert_log_equals_database(self.nodes[where], member)
            for room in ROOMS:
                await assert_gapless(self.nodes[0], room)
            # what was acked is there, and each command at most once
            receipts = {(row.actor_id, row.cid): row.reply for row in await Receipt.all()}
            for key, reply in self.acked.items():
                assert receipts[key] == reply
            assert await StreamEvent.all().count() == len(receipts)

        self.run(check())

    @invariant()
    def members_never_see_a_repeat_or_a_step_back(self) -> None:
        for _, member in self.members:
            assert member.seen == sorted(set(member.seen))

    def teardown(self) -> None:
        try:
            self.all_settles_and_every_log_equals_the_database()
        finally:

            async def close() -> None:
                for node in self.nodes:
                    await node.kill()
                await self.database.__aexit__(None, None, None)

            self.run(close())
            self.loop.close()
            shutil.rmtree(self.folder)


def test_every_log_equals_the_database_whatever_dies_when(sqlite_template: Path) -> None:
    class Machine(StreamsMachine):
        template = sqlite_template

    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
