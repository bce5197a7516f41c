"""What ends a command with status 2 and one line."""

from __future__ import annotations


class Refusal(Exception):
    """The command cannot be done; the message says why and what to do."""
