"""Creators over the emulated platform, and people who follow."""

from __future__ import annotations

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.creators.models import Channel, Creator
from mypick.creators.service import POLL, Creators
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.platforms.protocol import Platform


async def _nothing(_: Work) -> None:
    """The jobs are only counted here."""


def creators_on(platform: Platform, clock: Clock) -> Creators:
    """One process's service."""
    jobs = Jobs(clock, work=False)
    jobs.register(POLL, _nothing)
    return Creators({platform.name: platform}, clock, jobs)


def person(user_id: int) -> Actor:
    return Actor(user_id=user_id, role="fan", session_id=1, scopes=None, expires_at=None)


async def named(clock: Clock, name: str, handle: str | None = None, category: str | None = None) -> int:
    """A creator that is here already. The id."""
    creator = await Creator.create(name=name, description="", category=category, created_at=clock.now())
    await Channel.create(
        creator_id=creator.id,
        platform="youtube",
        external_id=f"UC{creator.id:022d}",
        handle=handle,
        url="https://youtube.invalid/",
        created_at=clock.now(),
        due_at=clock.now(),
    )
    return int(creator.id)
