"""A watch party of the demonstration that really plays: a fan hosts it through the same services as all, with films of
our own that this server itself serves, for as long as the process runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from demo.film import FILMS
from mypick.accounts.actor import Actor
from mypick.domain import Domain
from mypick.errors import DomainError
from mypick.watchparty.chat.commands import SendPartyMessage
from mypick.watchparty.commands import ClaimHost, OpenParty, Policy, Ready, Steer
from mypick.watchparty.queue.commands import QueueAdd
from mypick.watchparty.streams import party_stream
from mypick.watchparty.timeline import Op
from mypick.watchparty.views import PartyDetails

log = structlog.get_logger("demo")

ADDRESS: Final = "/films"  # below which this server serves them
TITLE = "다 같이 초시계 보기 · Watch the clock together"
WELCOME = (
    "어서 오세요! 창을 하나 더 열어 보세요. 두 창의 초시계가 같이 가요. 재생은 누구나 조종할 수 있어요.",
    "Welcome! Open a second window: both clocks go together. Everybody may play, pause and seek here.",
)
EVERY = 2.0  # seconds: of the host's lease of ten, three may be lost
WAITING = 2  # films in the queue, at least
PAUSED = 60.0  # seconds that a pause lasts where nobody is left to end it


class Matinee:
    def __init__(self, domain: Domain, host: Actor, films: Sequence[int]) -> None:
        self._parties = domain.parties
        self._presence = domain.room_presence
        self._host = host
        self._films = films
        self._added = 0
        self._paused_since: float | None = None

    @classmethod
    async def prepare(cls, domain: Domain, host: Actor, creators: Mapping[str, int]) -> Matinee:
        """``creators``: ids by handle. The films are theirs from now on."""
        films = []
        for film in FILMS:
            content = await domain.contents.keep_file(
                creators[film.handle],
                f"{ADDRESS}/{film.path.name}",
                title=film.title,
                duration_s=film.seconds,
                image_url=f"{ADDRESS}/{film.poster.name}",
                row_id=await domain.ids.one(),
            )
            films.append(content.id)
        return cls(domain, host, films)

    async def run(self) -> None:
        """Host, until cancelled. A party that was lost or ended is followed by another."""
        while True:
            try:
                await self._host_one(await self._open())
            except DomainError as failure:  # the database is busy, or somebody put the host out
                log.warning("the demonstration's party stopped", reason=failure.message)
            await asyncio.sleep(EVERY)

    async def _host_one(self, party_id: int) -> None:
        stream, user_id, watchers = party_stream(party_id), self._host.user_id, self._parties.watchers
        watchers.coming(party_id, user_id)
        try:
            await self._parties.members.enter(self._host, party_id)
            watchers.joined(stream, user_id)
            self._presence.joined(stream, user_id)
        finally:
            watchers.came(party_id, user_id)
        try:
            while True:
                if not await self._look(party_id):
                    return
                await asyncio.sleep(EVERY)
        finally:
            watchers.left(stream, user_id)
            self._presence.left(stream, user_id)

    async def _open(self) -> int:
        """The party of an earlier run, or a new one."""
        page = await self._parties.reading.parties(self._host, None, 20, mine=True)
        for brief in page.items:
            if brief.host is not None and brief.host.id == self._host.user_id and brief.title == TITLE:
                return brief.id
        details = await self._parties.parties.open(
            self._host,
            OpenParty(content_id=self._films[0], visibility="public", title=TITLE, policy=Policy(control="everyone")),
        )
        return details.id

    async def _look(self, party_id: int) -> bool:
        """Do what a host would do now. False once the party is theirs no more."""
        host, parties = self._host, self._parties
        details = await parties.reading.details(host, party_id)
        if details.ended_at is not None:
            return False
        if details.role != "host":
            return await self._claimed(party_id)
        stream, now = party_stream(party_id), self._parties.shared.now_ms()
        parties.watchers.know(stream, host.user_id, details.timeline)
        parties.watchers.heard(stream, host.user_id, now)
        try:
            await self._lead(details, now)
        except DomainError as refusal:  # somebody else was faster: the next look sees what they did
            log.debug("the host was refused", reason=refusal.message)
        return True

    async def _claimed(self, party_id: int) -> bool:
        try:
            await self._parties.hosts.claim(self._host, ClaimHost(party_id=party_id, cid=_cid()))
        except DomainError:
            return False
        return True

    async def _lead(self, details: PartyDetails, now: float) -> None:
        timeline = details.timeline
        if timeline.status == "waiting":
            await self._parties.playing.ready(self._host, Ready(party_id=details.id, seq=timeline.seq, state="ready"))
        elif timeline.status == "idle":
            await self._steer(details, "play")
            for text in WELCOME:
                said = SendPartyMessage(party_id=details.id, cid=_cid(), text=text)
                await self._parties.chat.send(self._host, said)
        elif timeline.status == "ended":
            await self._steer(details, "load", content_id=self._films[0])
        if timeline.status != "paused" or details.online > 1:
            self._paused_since = None
        elif self._paused_since is None:
            self._paused_since = now
        elif now - self._paused_since > PAUSED * 1_000:
            await self._steer(details, "play")
        queue = await self._parties.queue.show(self._host, details.id)
        for _ in range(WAITING - len(queue.items)):
            self._added += 1
            film = self._films[self._added % len(self._films)]
            await self._parties.queue.add(self._host, QueueAdd(party_id=details.id, cid=_cid(), content_id=film))

    async def _steer(self, details: PartyDetails, op: Op, *, content_id: int | None = None) -> None:
        await self._parties.playing.steer(
            self._host,
            Steer(party_id=details.id, cid=_cid(), base_seq=details.timeline.seq, op=op, content_id=content_id),
        )


def _cid() -> str:
    return secrets.token_hex(16)
