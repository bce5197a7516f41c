"""Streams: append-only logs with a gapless ``seq`` that every client can resume from."""

from mypick.streams.events import Append, Event, Frame, NewEvent, Position, ReceiptKey
from mypick.streams.service import Streams

__all__ = ["Append", "Event", "Frame", "NewEvent", "Position", "ReceiptKey", "Streams"]
