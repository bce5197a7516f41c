"""What the streams hold of a person: the replies to their commands. Events hold numbers alone."""

from __future__ import annotations

from mypick.personal.contribution import Contribution, Step, delete_batch
from mypick.streams.models import Receipt


def contribution() -> Contribution:
    async def receipts(user_id: int, _: int) -> int | None:
        return await delete_batch(Receipt.filter(actor_id=user_id))

    columns = {"receipt": frozenset({"actor_id"}), "stream_event": frozenset({"actor_id"})}
    return Contribution("streams", columns, steps=[Step("receipts", receipts)])
