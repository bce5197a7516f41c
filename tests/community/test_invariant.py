"""The invariant: a client with an old state that applies the events ends equal to a fresh snapshot."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mypick.accounts.actor import Actor
from mypick.community.commands import (
    BanMember,
    DecideHeld,
    DeleteMessage,
    EditMessage,
    PinMessage,
    React,
    SetRoomMode,
    TimeoutMember,
    UnbanMember,
)
from mypick.community.models import HeldMessage, Message
from mypick.community.policy import Role
from mypick.errors import DomainError
from tests.community.stage import Cast, Node, RoomClient, cid, community
from tests.fakes import FakeClock

WHO = st.sampled_from(["guest", "alice", "bob", "mo", "oz"])
WHOM = st.sampled_from(["guest", "alice", "bob"])
WHICH = st.integers(0, 5)  # of the newest messages
EMOJI = st.sampled_from(["👍", "❤️", "🎉"])
TEXT = st.sampled_from(["hello", "hi <@1>", "안녕", "see https://x.example/", "hello"])
STEP = st.one_of(
    st.tuples(st.just("send"), WHO, TEXT),
    st.tuples(st.just("reply"), WHO, WHICH),
    st.tuples(st.just("edit"), WHO, WHICH),
    st.tuples(st.just("delete"), WHO, WHICH),
    st.tuples(st.just("react"), WHO, WHICH, EMOJI, st.booleans()),
    st.tuples(st.just("pin"), WHO, WHICH, st.booleans()),
    st.tuples(st.just("mode"), WHO, st.sampled_from(["slow_seconds", "members_only", "locked", "unique_text"])),
    st.tuples(st.just("timeout"), WHO, WHOM),
    st.tuples(st.just("ban"), WHO, WHOM),
    st.tuples(st.just("unban"), WHO, WHOM),
    st.tuples(st.just("decide"), WHO, st.booleans()),
)
ROLES = {"mo": Role.MODERATOR, "oz": Role.OWNER, "guest": Role.NEWCOMER, "watcher": Role.ADMIN}
_examples = count()


class Scene:
    """One room, and everything that can be done in it."""

    def __init__(self, cast: Cast, people: dict[str, Actor]) -> None:
        self.cast, self.people = cast, people
        self.done = 0
        self.modes = count()

    async def newest(self, which: int) -> Message | None:
        rows = await Message.filter(room_id=self.cast.room).order_by("-seq").limit(which + 1)
        return rows[-1] if rows else None

    async def play(self, node: Node, step: tuple[Any, ...]) -> None:
        """Do it, or be refused: both must leave the log and the state in step."""
        try:
            await self._do(node, *step)
            self.done += 1
        except DomainError:
            return

    async def _do(self, node: Node, what: str, name: str, *rest: Any) -> None:
        services, actor, room = node.communities, self.people[name], self.cast.room
        match what, rest:
            case "send", (text,):
                await node.send(actor, room, text)
            case "mode", (field,):
                value: Any = next(self.modes) % 2 if field == "slow_seconds" else next(self.modes) % 3 == 0
                await services.moderation.set_mode(
                    actor, SetRoomMode.model_validate({"room_id": room, "cid": cid(), field: value})
                )
            case "timeout" | "ban" | "unban", (whom,):
                on_whom = {"room_id": room, "user_id": self.people[whom].user_id, "cid": cid()}
                if what == "timeout":
                    await services.moderation.timeout(actor, TimeoutMember.model_validate({**on_whom, "seconds": 5}))
                elif what == "ban":
                    await services.moderation.ban(actor, BanMember.model_validate(on_whom))
                else:
                    await services.moderation.unban(actor, UnbanMember.model_validate(on_whom))
            case "decide", (approve,):
                if held := await HeldMessage.filter(room_id=room, status="waiting").first():
                    await services.held.decide(
                        actor, DecideHeld(message_id=held.id, approve=approve, cid=cid())
                    )
            case _, (which, *_):
                if (message := await self.newest(which)) is not None:
                    await self._do_to(node, what, actor, message, rest[1:])

    async def _do_to(self, node: Node, what: str, actor: Actor, message: Message, rest: tuple[Any, ...]) -> None:
        services, on = node.communities, {"message_id": message.id, "cid": cid()}
        match what, rest:
            case "reply", ():
                await node.send(actor, self.cast.room, f"answer {message.id}", reply_to=message.id)
            case "edit", ():
                edit = EditMessage.model_validate({**on, "text": f"{message.text or 'x'}!", "rev": message.rev})
                await services.edits.edit(actor, edit)
            case "delete", ():
                await services.edits.delete(actor, DeleteMessage.model_validate(on))
            case "react", (emoji, put):
                await services.reactions.react(actor, React.model_validate({**on, "emoji": emoji, "on": put}))
            case "pin", (put,):
                await services.marks.pin(actor, PinMessage.model_validate({**on, "on": put}))
            case unknown:
                raise AssertionError(unknown)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rounds=st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=1, max_size=7))
async def test_old_state_and_its_events_make_a_fresh_snapshot(
    two: list[Node], clock: FakeClock, rounds: list[list[tuple[Any, ...]]]
) -> None:
    """Commands of five people at random, all of a round at the same time through two nodes. A client comes in before
    each round; at the end all of them have seen the same."""
    number = next(_examples)
    names = {name: f"{name}-{number}" for name in ("guest", "alice", "bob", "mo", "oz", "watcher")}
    roles = {names[name]: role for name, role in ROLES.items()}
    cast = await community(two[0], clock, *names.values(), roles=roles)
    people = {name: cast[long] for name, long in names.items()}
    scene = Scene(cast, people)
    clients: list[RoomClient] = []
    for steps in rounds:
        clients.append(RoomClient(two[len(clients) % 2], people["watcher"], cast.room))
        await clients[-1].join()
        await asyncio.gather(*(scene.play(two[at % 2], step) for at, step in enumerate(steps)))
        clock.advance(2)
        await two[len(clients) % 2].carry_all()
    fresh = await two[0].snapshot(people["watcher"], cast.room)
    for client in clients:
        await client.catch_up()
        assert client.state() == fresh
    rows = {row.id: row for row in await Message.filter(room_id=cast.room)}
    assert {message_id: message["text"] for message_id, message in fresh["messages"].items()} == {
        row.id: row.text for row in rows.values()
    }


async def test_every_kind_of_change_made_while_away_reaches_the_client(two: list[Node], clock: FakeClock) -> None:
    """The same without chance: each command in turn, and a client that has not heard since before it."""
    cast = await community(two[0], clock, "guest", "alice", "bob", "mo", "oz", "watcher", roles=ROLES)
    scene = Scene(cast, {name: cast[name] for name in ("guest", "alice", "bob", "mo", "oz", "watcher")})
    steps: list[tuple[Any, ...]] = [
        ("send", "alice", "hello"),
        ("reply", "bob", 0),
        ("edit", "bob", 0),
        ("edit", "bob", 0),
        ("react", "bob", 1, "👍", True),
        ("react", "mo", 1, "👍", True),
        ("react", "bob", 1, "👍", False),
        ("pin", "mo", 1, True),
        ("pin", "mo", 1, False),
        ("pin", "mo", 1, True),
        ("delete", "mo", 1),
        ("delete", "bob", 0),
        ("send", "guest", "see https://x.example/"),
        ("decide", "mo", True),
        ("mode", "oz", "locked"),
        ("timeout", "mo", "bob"),
        ("ban", "mo", "guest"),
        ("unban", "mo", "guest"),
    ]
    for done, step in enumerate(steps):
        client = RoomClient(two[1], cast["watcher"], cast.room)
        await client.join()
        before = client.seq
        clock.advance(1)
        await scene.play(two[0], step)
        assert scene.done == done + 1, f"{step} was refused"
        await client.catch_up()
        assert client.state() == await two[1].snapshot(cast["watcher"], cast.room), step
        assert client.seq == before + (0 if step[2] == "see https://x.example/" else 1), step
