"""Exports: a job gathers all that is a person's into one file, tells them, and the file goes after some days."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from tortoise.exceptions import IntegrityError

from mypick import db
from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.accounts.policy import require_session
from mypick.accounts.ports import Limits
from mypick.clock import Clock
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.notifications.announcements import TELL, Announcement, announce_to
from mypick.personal.archive import archive
from mypick.personal.contribution import Contribution, Section, Step
from mypick.personal.links import Links
from mypick.personal.models import Export
from mypick.personal.views import ExportView
from mypick.storage import NotStored, Storage

log = structlog.get_logger(__name__)

EXPORT = "personal.export"
GIVEN_UP = timedelta(days=1)  # an export that is not ready by then never will be, and keeps nobody from another
FORGOTTEN = timedelta(days=30)  # how long the row of one that expired stays
AT_ONCE = 200  # files that one clearing deletes
NOTE_EVERY = 1.0  # seconds between two notes of how far it is


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way to its person."""

    size: int
    pieces: AsyncIterator[bytes]


class Exports:
    """``contributions`` says what there is; ``keep`` is how long a file is kept.

    Limits spent: ``personal.export`` (user).
    """

    def __init__(
        self,
        contributions: Sequence[Contribution],
        storage: Storage,
        links: Links,
        *,
        jobs: Jobs,
        limits: Limits,
        clock: Clock,
        ids: Ids,
        keep: timedelta,
    ) -> None:
        self._contributions = contributions
        self._storage = storage
        self._links = links
        self._jobs = jobs
        self._limits = limits
        self._clock = clock
        self._ids = ids
        self._keep = keep

    async def ask(self, actor: Actor) -> ExportView:
        """Begin an export. ``CONFLICT`` while another of the same person is under way."""
        require_session(actor)
        if await Export.exists(under_way=actor.user_id):
            raise _under_way()
        await self._limits.spend("personal.export", user_id=actor.user_id, address=None)
        export_id = await self._ids.one()
        try:
            async with db.transaction():
                row = await Export.create(
                    id=export_id, user_id=actor.user_id, under_way=actor.user_id, asked_at=self._clock.now()
                )
                await self._jobs.enqueue(EXPORT, {"export_id": export_id}, dedupe_key=f"export:{export_id}")
        except IntegrityError as failure:
            raise _under_way() from failure
        self._jobs.wake(EXPORT)
        return self._view(row)

    async def state(self, actor: Actor, export_id: int) -> ExportView:
        """How far it is, and where to get it."""
        require_session(actor)
        row = await Export.get_or_none(id=export_id, user_id=actor.user_id)
        if row is None:
            raise not_found("export")
        return self._view(row)

    async def download(self, export_id: int, until: int, signature: str) -> Download:
        """The file, for whoever has a good link. ``FORBIDDEN`` for one that is not, ``GONE`` after the file."""
        if not self._links.opens(export_id, until, signature):
            raise DomainError(Code.FORBIDDEN, "this link has run out: ask for the export again to get a new one")
        row = await Export.get_or_none(id=export_id, state="ready")
        if row is None or row.size is None:
            raise DomainError(Code.GONE, "this file has been deleted: ask for a new export")
        return Download(row.size, self._storage.get(_file(row)))

    async def run(self, work: Work) -> None:
        """Handles the job ``personal.export`` with args ``{"export_id"}``. Killed, it begins anew: the file is there
        whole or not at all, and the person is told in the transaction that makes it ready."""
        row = await Export.get_or_none(id=work.args["export_id"])
        if row is None or row.under_way is None:
            return  # the person was erased meanwhile, or it was given up
        noted = self._clock.monotonic()

        async def progress(sections: int, rows: int) -> None:
            nonlocal noted
            if self._clock.monotonic() - noted >= NOTE_EVERY:
                noted = self._clock.monotonic()
                await Export.filter(id=row.id).update(sections_done=sections, rows_done=rows)
            counted[:] = [sections, rows]

        counted = [0, 0]
        await Export.filter(id=row.id, state="waiting").update(state="running")
        pieces = archive(row.user_id, self._sections, self._clock.now(), progress)
        size = await self._storage.put(_file(row), pieces)
        notice_id, now = await self._ids.one(), self._clock.now()
        async with db.transaction():
            await work.complete()
            ready = await Export.filter(id=row.id, under_way=row.user_id).update(
                state="ready",
                under_way=None,
                sections_done=counted[0],
                rows_done=counted[1],
                size=size,
                ready_at=now,
                expires_at=now + self._keep,
            )
            if ready:
                ready_now = _announcement(notice_id, row, await people.locale_of(row.user_id))
                await announce_to([row.user_id], ready_now, jobs=self._jobs, now=now)
        if not ready:
            await self._storage.delete(_file(row))
        self._jobs.wake(TELL)
        log.info("an export was made", user_id=row.user_id, export_id=row.id, bytes=size, rows=counted[1])

    async def expire(self) -> int:
        """Delete files whose time is over, and give up exports that never became ready. How many."""
        now = self._clock.now()
        over = await Export.filter(state="ready", expires_at__lte=now).order_by("expires_at").limit(AT_ONCE)
        for row in over:
            await self._storage.delete(_file(row))
            await Export.filter(id=row.id).update(state="expired")
        stuck = Export.filter(under_way__isnull=False, asked_at__lt=now - GIVEN_UP)
        given_up = await stuck.update(state="failed", under_way=None)
        await Export.filter(under_way=None, asked_at__lt=now - FORGOTTEN).exclude(state="ready").delete()
        return len(over) + given_up

    def contribution(self) -> Contribution:
        """Of exports themselves: they go with the person."""

        async def remove(user_id: int, _: int) -> int | None:
            rows = await Export.filter(user_id=user_id).order_by("id").limit(AT_ONCE)
            for row in rows:
                await self._storage.delete(_file(row))
                await Export.filter(id=row.id).delete()
            return 0 if len(rows) == AT_ONCE else None

        columns = {"export": frozenset({"user_id"}), "erasure": frozenset({"user_id"})}
        return Contribution("personal", columns, steps=[Step("exports", remove)])

    @property
    def _sections(self) -> list[Section]:
        return [section for contribution in self._contributions for section in contribution.sections]

    def _view(self, row: Export) -> ExportView:
        ready = row.state == "ready"
        return ExportView(
            id=row.id,
            state=row.state,
            sections_done=row.sections_done,
            sections=len(self._sections),
            rows_done=row.rows_done,
            size=row.size,
            asked_at=row.asked_at,
            expires_at=row.expires_at,
            download_url=f"/downloads/exports/{row.id}?{self._links.query(row.id)}" if ready else None,
        )


_READY: Mapping[str, tuple[str, str]] = {
    "en": ("Your data is ready", "Fetch the file in your settings."),
    "ko": ("내 데이터 파일이 준비됐어요", "설정에서 내려받을 수 있어요."),
}
"""By language: title, and what stands below it."""


def _announcement(notice_id: int, row: Export, language: str) -> Announcement:
    title, body = _READY[language]
    return Announcement(
        id=notice_id,
        key=f"export:{row.id}",
        kind="announcement",
        title=title,
        body=body,
        url="/settings",
        image_url=None,
        creator_id=None,
        content_id=None,
    )


def _file(row: Export) -> str:
    return f"exports/{row.id}.zip"


def _under_way() -> DomainError:
    return DomainError(Code.CONFLICT, "an export of yours is under way: wait for it", retry_after_ms=5_000)


async def file_or_none(download: Download) -> AsyncIterator[bytes] | None:
    """Its pieces, or None where the file has just gone: looked for before the answer begins."""
    try:
        first = await anext(download.pieces)
    except (NotStored, StopAsyncIteration):
        return None

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in download.pieces:
            yield piece

    return pieces()
