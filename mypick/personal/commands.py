"""What a person may ask about their data."""

from __future__ import annotations

from mypick.accounts.commands import Command, EnteredPassword


class EraseMe(Command):
    """Be forgotten. The password shows that it is the person who asks."""

    password: EnteredPassword
