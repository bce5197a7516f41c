"""What becomes of messages whose client polls, or does not read as fast as it is written to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from realtime.engine.messages import Kind, Message
from realtime.engine.reasons import TOO_SLOW

if TYPE_CHECKING:
    from realtime.engine.session import Session


def send_slowly(session: Session, messages: Sequence[Message]) -> None:
    """Keep ``messages`` for the client, in their order, as far as it may hold them: beyond a quarter of the bound what
    may be dropped is, beyond half events of streams, and beyond all of it the client is cut."""
    bounds, held = session.engine.bounds, session.unsent
    lagging, dropping = bounds.lagging_bytes, bounds.dropping_bytes
    frames: list[bytes] = []
    for message in messages:
        if message.kind is Kind.DROPPABLE and held > dropping:
            session.engine.dropped(message)
        elif message.kind is Kind.DURABLE and (session.missed or held > lagging):
            # once one was dropped those behind it are of no use before `sync`
            session.missed = session.missed or {}
            session.missed[message.namespace, message.stream] = message.seq
            session.engine.dropped(message)
        elif held + len(message) > bounds.unsent_bytes:
            session.engine.cut(session, TOO_SLOW, unsent=held)
            return
        else:
            held += len(message)
            if session.mailbox is not None:
                session.mailbox.put(message)
            else:
                frames.append(message.frame)
    if frames and session.link is not None:
        session.link.write(b"".join(frames))
