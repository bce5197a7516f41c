"""Indexing everything anew: after the rules of the index changed, or where texts are older than it.

Batch by batch each text is put into the index again as it is now, under its own lock, so that nobody who edits it
meanwhile is overtaken; when it is packed its older version is taken out. Search goes on all the time, with what is done
and what is not. The place that was reached is written with each batch, so a run that was killed goes on from there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from mypick import db
from mypick.operations.health import Check, Finding
from mypick.search import packer
from mypick.search.index import Indexed, put
from mypick.search.models import SearchState
from mypick.search.pages import SEGMENT
from mypick.search.service import Kind
from mypick.search.terms import RULES

BATCH = 512  # texts of one transaction, which holds their locks: about 50 ms
BEHIND = 8 * SEGMENT  # texts that wait, above which packing does not keep up and search becomes slow

Reader = Callable[[int, int], Awaitable[Sequence[Indexed]]]
"""The texts of one kind behind a ref, in order, at most so many; locked against changes until the transaction ends."""
Progress = Callable[[int], None]
"""Told how many texts were done since it was told last."""


async def reindex(readers: Mapping[Kind, Reader], progress: Progress) -> int:
    """Go on where a run was killed, or begin. Texts done. Not inside a transaction, and one run at a time."""
    state = await SearchState.get(id=1)
    if state.reindexing != RULES:
        state.reindexing, state.kind, state.ref = RULES, 0, 0
        await state.save()
    done = 0
    for kind, reader in sorted(readers.items()):
        after = state.ref if kind == state.kind else 0
        while kind >= state.kind:
            async with db.transaction():
                texts = await reader(after, BATCH)
                if texts:
                    await put(texts)
                    after = texts[-1].ref
                    await SearchState.filter(id=1).update(kind=kind, ref=after)
            if not texts:
                break
            done += len(texts)
            progress(len(texts))
            await packer.pack_all()
    await SearchState.filter(id=1).update(rules=RULES, reindexing=0, kind=0, ref=0)
    return done


def index_check() -> Check:
    """Degraded where texts may not be found, or where search is slow because packing does not keep up."""

    async def check() -> Finding:
        state, count = await SearchState.get(id=1), await packer.waiting()
        if state.rules != RULES:
            return Finding("degraded", "older texts may not be found: run `python run.py reindex`")
        return Finding("degraded" if count > BEHIND else "up", f"{count} wait to be packed")

    return check
