"""A whole domain over a database, and a person who left traces in every part of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from config.settings import Settings
from config.wiring import domain_settings
from mypick.accounts.actor import Actor
from mypick.accounts.commands import CreateApiKey, LogIn, Register, UpdateProfile
from mypick.accounts.device import Device
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.clock import Clock
from mypick.community.commands import EditMessage, MarkRead, React, ReportMessage, SendMessage
from mypick.community.discussions.commands import (
    CreateComment,
    CreateDiscussion,
    EditComment,
    EditDiscussion,
    FollowDiscussion,
    MarkDiscussionRead,
    ReadComments,
    ReportComment,
    VoteComment,
    VoteDiscussion,
    VoteWord,
)
from mypick.community.discussions.views import CommentView
from mypick.community.models import Room, Sanction
from mypick.creators.models import Creator
from mypick.domain import Domain, build_domain
from mypick.jobs.claims import Claims
from mypick.jobs.lanes import LANES
from mypick.jobs.work import Retry
from mypick.notifications.commands import KindSettings, UpdateNotificationSettings
from tests.community.stage import cid
from tests.handlers.fakes import QUICK

PASSWORD = "a horse walks into a bar"
CANARY = "캐너리-canary-7f3a"
ASK_BY_THEMSELVES = ("streams: head check", "the shared clock", "watch parties: keep", "watch parties: measure")
"""What asks the database whenever its time has come: a power cut would hit it in place of what is tried."""


@asynccontextmanager
async def domain_on(clock: Clock, folder: Path, redis_url: str = "") -> AsyncIterator[Domain]:
    """A domain that writes and tells; its jobs are done by ``work_off``."""
    rates = {"auth.register": "1000/1s", "community.send": "1000/1s"}
    settings = Settings(redis_url=redis_url, storage_folder=str(folder), rate_limits=rates)
    async with aiohttp.ClientSession() as http:
        domain = build_domain(domain_settings(settings, node="test", works=False), http, clock)
        quick = Passwords(QUICK)
        _quicken(domain.accounts, quick)
        await domain.start()
        for loop in ASK_BY_THEMSELVES:
            await domain.process.stop(loop)
        try:
            yield domain
        finally:
            await domain.close()
            quick.close()


def _quicken(accounts: Accounts, quick: Passwords) -> None:
    accounts._passwords.close()
    accounts._passwords = quick


async def work_off(domain: Domain) -> int:
    """Do what is due, as a worker does, and what comes due by it. How many jobs; one that wants to wait is put off."""
    claims, done = Claims(domain.clock, domain.jobs._kinds), 0
    while found := [claim for lane in LANES if (claim := await claims.claim(lane))]:
        for claim in found:
            try:
                await claim.kind.handler(claim.work)
            except Retry as wait:
                due_at = domain.clock.now() + timedelta(seconds=wait.after_s)
                await claims.put_off(claim.work, due_at, "", counts=False)
            else:
                await claims.finish(claim.work)
            done += 1
    return done


async def sign_up(domain: Domain, name: str, email: str = "") -> Actor:
    command = Register(email=email or f"{name}@example.com", password=PASSWORD, display_name=name)
    opened = await domain.accounts.register(command, Device("a browser", "192.0.2.1"))
    return await domain.accounts.authenticate(opened.access_token)


async def log_in(domain: Domain, email: str) -> Actor:
    opened = await domain.accounts.log_in(LogIn(email=email, password=PASSWORD), Device())
    return await domain.accounts.authenticate(opened.access_token)


async def room_of_a_creator(domain: Domain) -> int:
    creator = await Creator.create(name="somebody", description="", created_at=domain.clock.now())
    community = await domain.communities.open_for(creator.id)
    return int((await Room.get(community_id=community)).id)


async def say(domain: Domain, who: Actor, room: int, text: str, reply_to: int | None = None) -> int:
    command = SendMessage(room_id=room, cid=cid(), text=text, reply_to=reply_to)
    return (await domain.communities.messages.send(who, command)).id


async def leave_traces(domain: Domain, who: Actor, other: Actor, room: int) -> dict[str, int]:
    """``who`` does all that a person can do here, and says the canary wherever it can be said."""
    place = await Room.get(id=room)
    await domain.accounts.profiles.update(
        who, UpdateProfile(display_name=f"I {CANARY}", avatar_url=f"https://example.com/{CANARY}.png")
    )
    await domain.accounts.keys.create(who, CreateApiKey(name=f"key {CANARY}", scopes=["read"]))
    wanted = KindSettings.model_validate({"new-video": False})
    await domain.notifications.update_settings(who, UpdateNotificationSettings(kinds=wanted))
    creator = await Creator.first()
    assert creator is not None
    await domain.creators.subscribe(who, creator.id)
    await domain.communities.members.join(who, place.community_id)
    await domain.communities.members.join(other, place.community_id)
    question = await say(domain, other, room, "what is the word?")
    answer = await say(domain, who, room, f"{CANARY} it is", reply_to=question)
    edit = EditMessage(message_id=answer, cid=cid(), text=f"{CANARY} it was <@{other.user_id}>", rev=1)
    await domain.communities.edits.edit(who, edit)
    thanks = await say(domain, other, room, f"thank you <@{who.user_id}>", reply_to=answer)
    await say(domain, who, room, f"see https://{CANARY}.example.com/")  # a newcomer's link, which is held
    await domain.communities.reactions.react(who, React(message_id=question, cid=cid(), emoji="👍", on=True))
    await domain.communities.reactions.react(other, React(message_id=answer, cid=cid(), emoji="👍", on=True))
    await domain.communities.marks.mark_read(who, MarkRead(room_id=room, seq=2))
    await domain.communities.reports.report(
        who, ReportMessage(message_id=question, reason=f"not {CANARY}", cid=cid())
    )
    await domain.communities.reports.report(other, ReportMessage(message_id=answer, reason=f'"{CANARY}"', cid=cid()))
    await Sanction.create(
        community_id=place.community_id,
        user_id=who.user_id,
        kind="timeout",
        reason=f"said {CANARY}",
        actor_id=other.user_id,
        created_at=domain.clock.now(),
    )
    await work_off(domain)
    return {"question": question, "answer": answer, "thanks": thanks}


async def leave_posts(domain: Domain, who: Actor, other: Actor) -> dict[str, int]:
    """The same in discussions: one of ``other``, in which ``who`` says something that is answered, and one of
    ``who``, in which ``other`` comments."""
    services, room = domain.communities.discussions, await Room.all().order_by("-id").first()
    assert room is not None
    community = room.community_id
    for actor in (who, other):
        await domain.communities.members.join(actor, community)

    async def begin(actor: Actor, title: str, text: str) -> int:
        command = CreateDiscussion(community_id=community, cid=cid(), title=title, text=text)
        return (await services.posts.create(actor, command)).id

    async def comment(actor: Actor, discussion: int, text: str, reply_to: int | None = None) -> int:
        command = CreateComment(discussion_id=discussion, cid=cid(), text=text, reply_to=reply_to)
        return (await services.posts.comment(actor, command)).id

    theirs, begun = await begin(other, "Who will sing?", "A text"), await begin(who, f"{CANARY}?", f"{CANARY} begins")
    after = {"title": f"{CANARY}!", "text": f"<@{other.user_id}> {CANARY}", "rev": 1}
    await services.edits.edit_discussion(
        who, EditDiscussion.model_validate({"discussion_id": begun, "cid": cid(), **after})
    )
    first = await comment(who, theirs, f"{CANARY} sings <@{other.user_id}>")
    await services.edits.edit_comment(
        who, EditComment(comment_id=first, cid=cid(), text=f"{CANARY} sings again", rev=1)
    )
    second = await comment(other, theirs, "I think so too", reply_to=first)
    visited = await comment(other, begun, "I was here")
    await comment(who, begun, f"{CANARY} too", reply_to=visited)
    await comment(who, theirs, f"see https://{CANARY}.example.com/")  # held
    votes: list[tuple[Actor, VoteWord, int]] = [(who, "up", second), (other, "up", second), (other, "up", first)]
    for actor, word, post in votes:
        await services.votes.vote_comment(actor, VoteComment(comment_id=post, cid=cid(), vote=word))
    for actor in (who, other):
        up = VoteDiscussion(discussion_id=theirs, cid=cid(), vote="up")
        await services.votes.vote_discussion(actor, up)
    await services.visits.follow(who, FollowDiscussion(discussion_id=begun, follow="muted"))
    await services.visits.mark_read(who, MarkDiscussionRead(discussion_id=theirs, seq=2))
    await services.reports.report_comment(
        who, ReportComment(comment_id=second, cid=cid(), reason=f"not {CANARY}")
    )
    await services.reports.report_comment(
        other, ReportComment(comment_id=first, cid=cid(), reason=f'"{CANARY}"')
    )
    await work_off(domain)
    return {"theirs": theirs, "begun": begun, "first": first, "second": second}


async def read_posts(domain: Domain, who: Actor, discussion: int) -> list[str]:
    """What can be read in a discussion, each comment before its answers."""

    def flat(comments: Iterable[CommentView]) -> list[str]:
        return [text for one in comments for text in (one.text, *flat(one.children))]

    command = ReadComments(discussion_id=discussion, sort="old")
    return flat((await domain.communities.discussions.reading.comments(who, command)).comments)


async def download(domain: Domain, who: Actor, export_id: int) -> dict[str, list[dict[str, Any]]]:
    """What is in the file, by section."""
    state = await domain.personal.exports.state(who, export_id)
    assert state.download_url is not None
    query = dict(part.split("=") for part in state.download_url.partition("?")[2].split("&"))
    found = await domain.personal.exports.download(export_id, int(query["until"]), query["signature"])
    data = b"".join([piece async for piece in found.pieces])
    assert len(data) == found.size == state.size
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        return {
            name.removesuffix(".jsonl"): [orjson.loads(line) for line in packed.read(name).splitlines()]
            for name in packed.namelist()
            if name.endswith(".jsonl")
        } | {"index": [{"html": packed.read("index.html").decode()}]}
