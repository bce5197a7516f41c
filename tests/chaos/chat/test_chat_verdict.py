"""The judge of chat must see each breach: one that never finds anything proves nothing."""

from __future__ import annotations

import copy
import itertools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.community import commands
from mypick.community.desk.commands import PurgeMember
from mypick.community.policy import Role
from mypick.community.streams import room_of
from mypick.community.terms.commands import SetTerm
from mypick.db import Database
from mypick.errors import DomainError
from tests.chaos.chat.evidence import Evidence
from tests.chaos.chat.member import Said
from tests.chaos.chat.seen import Heard, Seen
from tests.chaos.chat.verdict import judge_chat
from tests.community.stage import Cast, Node, community, nodes
from tests.fakes import FakeClock

LOG = "id, community_id, room_id, actor_id, action, user_id, message_id, reason, details, at"
ROLES = {"mo": Role.MODERATOR, "oz": Role.OWNER}


@dataclass(slots=True)
class Scene:
    """A short talk in one room, and what came of it."""

    node: Node
    cast: Cast
    url: str
    said: list[Said] = field(default_factory=list)
    moments: Any = field(default_factory=lambda: itertools.count(1.0))

    async def do(self, who: str, name: str, build: Any, service: Callable[..., Awaitable[Any]], **data: Any) -> Said:
        actor = self.cast[who]
        cid = f"c{len(self.said)}"
        one = Said(actor.user_id, self.cast.room, name, {**data, "cid": cid}, next(self.moments), attempts=1)
        try:
            one.replies.append((await service(actor, build(**data, cid=cid))).model_dump())
        except DomainError as refused:
            one.codes.append(refused.code.name)
        one.ended = next(self.moments)
        self.said.append(one)
        return one

    async def send(self, who: str, text: str) -> int:
        send = self.node.communities.messages.send
        said = await self.do(who, "send-message", commands.SendMessage, send, room_id=self.cast.room, text=text)
        assert said.reply is not None
        return int(said.reply["id"])

    async def enter(self, actor: Actor, *, replays: bool = False) -> Seen:
        seen = Seen(actor.user_id, self.cast.room, asked=next(self.moments))
        epoch = (await self.node.streams.store.position(room_of(self.cast.room))).epoch
        place = (epoch, 0) if replays else (None, None)
        _, joined = await self.node.communities.reading.join(actor, self.cast.room, *place)
        seen.joined({**joined.__dict__, "mode": joined.mode.model_dump()})
        return seen

    async def go_on(self, seen: Seen) -> None:
        answer = await self.node.streams.store.resume(room_of(seen.room), seen.epoch or "", seen.last, 200)
        seen.asked = next(self.moments)
        seen.synced(answer)

    def harm(self, statement: str) -> None:
        with closing(sqlite3.connect(self.url.removeprefix("sqlite://"))) as connection, connection:
            connection.execute(statement)


@pytest.fixture
async def scene(sqlite_database: Database, sqlite_url: str, clock: FakeClock) -> AsyncIterator[tuple[Scene, Evidence]]:
    async with nodes(clock, "a") as (node,):
        cast = await community(node, clock, "alice", "bob", "mo", "oz", roles=ROLES)
        scene = Scene(node, cast, sqlite_url)
        yield scene, await _talk(scene, clock)


async def _talk(scene: Scene, clock: FakeClock) -> Evidence:
    node, cast, services = scene.node, scene.cast, scene.node.communities
    room, bob = cast.room, cast["bob"].user_id
    hold = {"community_id": cast.community, "cid": "term", "text": "gooseberry", "effect": "hold"}
    await services.terms.set(cast["oz"], SetTerm.model_validate(hold))
    seen = await scene.enter(cast["alice"])
    kept, gone = await scene.send("alice", "hello"), await scene.send("alice", "away with this")
    await scene.send("bob", "bob was here")
    edit = services.edits.edit
    await scene.do("alice", "edit-message", commands.EditMessage, edit, message_id=kept, text="hi", rev=1)
    await scene.do("bob", "react", commands.React, services.reactions.react, message_id=kept, emoji="👍", on=True)
    await scene.do("mo", "pin-message", commands.PinMessage, services.marks.pin, message_id=kept, on=True)
    await scene.do("alice", "delete-message", commands.DeleteMessage, services.edits.delete, message_id=gone)
    waits = await scene.send("alice", "gooseberry one")
    await scene.send("alice", "gooseberry two")
    decide = services.held.decide
    await scene.do("mo", "decide-held", commands.DecideHeld, decide, message_id=waits, approve=True)
    set_mode = services.moderation.set_mode
    await scene.do("oz", "set-room-mode", commands.SetRoomMode, set_mode, room_id=room, locked=True)
    say = services.messages.send
    await scene.do("bob", "send-message", commands.SendMessage, say, room_id=room, text="let me in")
    on = {"room_id": room, "user_id": bob}
    await scene.do("mo", "purge-member", PurgeMember, services.purges.purge, **on)
    await scene.do("mo", "timeout-member", commands.TimeoutMember, services.moderation.timeout, **on, seconds=5)
    await scene.do("mo", "ban-member", commands.BanMember, services.moderation.ban, **on)
    clock.advance(1)
    await node.carry_all()
    await node.carry_desk()
    await scene.send("mo", "that is all")
    await scene.go_on(seen)
    fresh = [await scene.enter(cast["oz"]), await scene.enter(cast["oz"], replays=True)]
    history = await services.reading.history(cast["oz"], room, 2**53 - 1, 100)
    return Evidence(
        said=scene.said,
        seen=[seen],
        late=fresh,
        full={room: {event["data"]["message_id"]: event["data"] for event in history.events}},
        seqs={event["data"]["message_id"]: event["seq"] for event in history.events},
        modes={room: fresh[0].mode},
        moderators={cast["mo"].user_id, cast["oz"].user_id},
    )


async def sorts(scene: Scene, evidence: Evidence) -> set[str]:
    verdict = await judge_chat(scene.url, evidence)
    return {problem.partition(":")[0] for problem in verdict.problems}


async def test_a_talk_that_went_well_is_right(scene: tuple[Scene, Evidence]) -> None:
    verdict = await judge_chat(scene[0].url, scene[1])
    assert verdict.problems == ()
    assert (verdict.done, verdict.refused, verdict.unsure) == (len(scene[1].said) - 1, 1, 0)
    assert verdict.events > 10


@pytest.mark.parametrize(
    ("statement", "sort"),
    [
        ("UPDATE message SET text = 'other' WHERE text = 'hi'", "tables"),
        ("UPDATE room SET members_only = 1", "tables"),
        ("DELETE FROM pin", "tables"),
        ("DELETE FROM stream_event WHERE seq = 2", "streams"),
        ("DELETE FROM stream_event WHERE seq = 2", "logs"),
        ("UPDATE stream_event SET actor_id = 99 WHERE type = 'message-pinned'", "once"),
        ("DELETE FROM stream_event WHERE type = 'message-edited'", "once"),
        ("UPDATE message SET rev = 3 WHERE rev = 2", "effects"),
        ("DELETE FROM reaction", "effects"),
        ("UPDATE message SET text = 'let me in' WHERE text = 'hi'", "effects"),
        (f"INSERT INTO moderation_log ({LOG}) SELECT id + 999999, {LOG[4:]} FROM moderation_log", "moderation log"),
        ("UPDATE job SET state = 'dead'", "jobs"),
        ("UPDATE purge SET finished_at = NULL", "purges"),
        ("DELETE FROM sanction", "bans"),
    ],
)
async def test_tables_that_are_not_what_was_confirmed_are_seen(
    scene: tuple[Scene, Evidence], statement: str, sort: str
) -> None:
    play, evidence = scene
    play.harm(statement)
    assert sort in await sorts(play, evidence)


def _after_the_ban(evidence: Evidence) -> None:
    """Bob gives a command after his ban was confirmed, and it is done."""
    (ban,) = (one for one in evidence.said if one.name == "ban-member")
    react = {"message_id": 1, "emoji": "🎉", "on": False, "cid": "late"}
    late = Said(ban.data["user_id"], ban.room, "react", react, 1e6)
    late.ended, late.attempts = 1e6 + 1, 1
    late.replies.append({"seq": None})
    evidence.said = [*evidence.said, late]


def _heard(evidence: Evidence, change: Callable[[dict[str, Any]], None], asked: float | None = None) -> None:
    """Alice hears one event more, made of her first."""
    seen = evidence.seen[0]
    event = copy.deepcopy(next(heard.event for heard in seen.heard if heard.event["type"] == "message-created"))
    change(event)
    seen.heard.append(Heard(event, asked))


def _held_text(evidence: Evidence) -> None:
    (held,) = (one for one in evidence.said if one.data.get("text") == "gooseberry two")
    assert held.reply
    _heard(evidence, lambda event: event["data"].update(text="gooseberry two", message_id=held.reply["id"]))  # type: ignore[index]


def _deleted_text(evidence: Evidence) -> None:
    (deleted,) = (one for one in evidence.said if one.name == "delete-message")
    change = {"text": "away with this", "message_id": deleted.data["message_id"]}
    _heard(evidence, lambda event: event["data"].update(change), asked=deleted.ended + 1)


def _dead_text_for_newcomers(evidence: Evidence) -> None:
    for heard in evidence.late[0].heard:
        heard.event["data"]["text"] = "it lives"


def _state(evidence: Evidence) -> None:
    next(iter(evidence.seen[0].messages.values()))["text"] = "what alice alone has"


def _mode(evidence: Evidence) -> None:
    evidence.seen[0].mode["locked"] = False


def _missed(evidence: Evidence) -> None:
    evidence.seen[0].messages.popitem()


def _claimed_twice(evidence: Evidence) -> None:
    evidence.said = [*evidence.said, next(one for one in evidence.said if one.name == "send-message")]


def _two_answers(evidence: Evidence) -> None:
    one = next(one for one in evidence.said if one.name == "edit-message")
    one.replies.append({"seq": 99, "rev": 2})


def _unanswered(evidence: Evidence) -> None:
    (refused,) = (one for one in evidence.said if one.codes)
    refused.codes.clear()


def _not_deleted(evidence: Evidence) -> None:
    one = next(one for one in evidence.said if one.name == "delete-message")
    sent = next(one for one in evidence.said if one.name == "send-message")
    assert sent.reply
    one.data["message_id"] = sent.reply["id"]


def _left_by_the_purge(evidence: Evidence) -> None:
    (purge,) = (one for one in evidence.said if one.name == "purge-member")
    purge.data["user_id"] = evidence.said[0].actor


@pytest.mark.parametrize(
    ("harm", "sort"),
    [
        (_after_the_ban, "bans"),
        (_held_text, "held"),
        (_deleted_text, "deleted"),
        (_dead_text_for_newcomers, "deleted"),
        (_state, "states"),
        (_mode, "states"),
        (_missed, "states"),
        (_claimed_twice, "once"),
        (_two_answers, "answers"),
        (_unanswered, "answers"),
        (_not_deleted, "effects"),
        (_left_by_the_purge, "purges"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else value,
)
async def test_what_clients_should_not_have_seen_or_been_told_is_seen(
    scene: tuple[Scene, Evidence], harm: Callable[[Evidence], None], sort: str
) -> None:
    play, evidence = scene
    harm(evidence)
    assert sort in await sorts(play, evidence)


async def test_what_a_banned_person_did_in_the_log_of_a_room_is_seen(scene: tuple[Scene, Evidence]) -> None:
    play, evidence = scene
    bob = play.cast["bob"].user_id
    play.harm(f"UPDATE stream_event SET actor_id = {bob} WHERE seq = (SELECT max(seq) FROM stream_event)")
    assert "bans" in await sorts(play, evidence)
