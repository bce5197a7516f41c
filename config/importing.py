"""The command that brings the log of a chat into a room."""

from __future__ import annotations

import asyncio
from pathlib import Path

from config.progress import ProgressBar
from config.refusal import Refusal
from mypick.community.imports.importer import FORMATS, Outcome, other_format
from mypick.community.imports.reading import Broken
from mypick.creators import queries as creators
from mypick.domain import Domain

__all__ = ["FORMATS", "import_log"]

MAX_NAME = 80  # characters of a room's name, as the column has it


def _size(path: Path, room: str) -> int:
    """Of the file, in bytes; ``Refusal`` for what cannot be tried."""
    if not path.is_file():
        raise Refusal(f"there is no file {path}")
    if not 0 < len(room.strip()) <= MAX_NAME:
        raise Refusal(f"the name of a room has 1 to {MAX_NAME} characters")
    return path.stat().st_size


async def import_log(domain: Domain, path: Path, *, source: str, creator: str, room: str, dry_run: bool) -> None:
    """Read ``path`` into the room, with a bar on stderr, and say what came of it. ``Refusal`` says what to do."""
    size = _size(path, room)
    creator_id = await creators.creator_called(creator)
    if creator_id is None:
        raise Refusal(f"there is no creator {creator}: name the id or the @handle of one")
    if (other := await asyncio.to_thread(other_format, path, source)) is not None:
        raise Refusal(f"{path} is no log of {source}, but looks like one of {other}: try --format {other}")
    importer = domain.communities.importer
    bar = ProgressBar("bytes", size)
    try:
        if dry_run:
            outcome = await importer.check(path, source, bar.add)
        else:
            community_id = await domain.communities.open_for(creator_id)
            room_id = await importer.room_named(community_id, room.strip())
            outcome = await importer.load(room_id, path, source, bar.add)
        bar.finish()
    except Broken as problem:
        raise Refusal(f"{path}: {problem} What was read before is kept; run it again with the whole file.") from problem
    finally:
        bar.close()
    tell(outcome, dry_run)
    if outcome.bad and not outcome.messages + outcome.known:
        known = ", ".join(FORMATS)
        print(f"Nothing in {path} can be read as {source}. Which program wrote it? --format knows {known}.")


def tell(outcome: Outcome, dry_run: bool) -> None:
    for number, problem in outcome.listed:
        print(f"line {number} was left out: {problem}")
    if outcome.bad > len(outcome.listed):
        print(f"and {outcome.bad - len(outcome.listed):,} more")
    done = "can be brought in" if dry_run else "were brought in"
    print(
        f"{outcome.messages:,} messages {done}, {outcome.known:,} were here, "
        f"{outcome.passed:,} lines are no messages, {outcome.bad:,} are bad"
    )
