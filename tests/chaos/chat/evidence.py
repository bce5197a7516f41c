"""What clients bring before the judge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.chat.member import Said
from tests.chaos.chat.seen import Seen
from tests.chaos.chat.tables import Row


@dataclass(slots=True)
class Evidence:
    """``said`` and ``seen`` of all; ``late`` came at the end. ``full`` is each room as one has it who then read all of
    its history, by message id; ``seqs`` are the places of these, ``modes`` the rooms' modes as shown."""

    said: Sequence[Said]
    seen: Sequence[Seen]
    late: Sequence[Seen]
    full: Mapping[int, Mapping[int, Row]]
    seqs: Mapping[int, int]
    modes: Mapping[int, Row]
    moderators: Collection[int]
