"""What may be asked of creators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mypick.wire import Command, Line


class AddCreator(Command):
    """Bring a creator in. Asking twice for the same channel gives the same creator."""

    source: Annotated[
        Line,
        Field(
            max_length=300,
            description="a channel address, a handle or a channel id",
            examples=["https://www.youtube.com/@example", "@example"],
        ),
    ]
