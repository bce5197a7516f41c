"""How long what is held waits, in rooms and in discussions."""

from __future__ import annotations

from datetime import timedelta

KEEP = timedelta(days=14)  # what nobody looked at by then is of no use to a talk
AT_ONCE = 200  # given up in one run; the next one is an hour later
