"""What the other door tells of itself, in plain values, so that neither door knows the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class EventDescription:
    """One command of clients or one event of the server.

    ``ack``: the ``data`` of a command's ack; None for an event, and for a command that is not acknowledged.
    ``durable``: the event is part of a stream and can be asked for again.
    """

    namespace: str  # "/notifications"
    direction: Literal["client-to-server", "server-to-client"]
    event: str  # "mark-read"
    payload: type[BaseModel]
    ack: type[BaseModel] | None
    durable: bool
    summary: str
