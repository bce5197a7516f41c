"""How often Python looks for garbage cycles."""

from __future__ import annotations

import gc

# new objects before a look at the young ones, looks before one at the middle ones, and of those before one at all.
# With Python's 700, 10, 10 a quarter of the CPU of 5,000 connects went into looking at objects that live.
THRESHOLDS = (20_000, 20, 50)


def collect_rarely() -> None:
    """Once, when everything is set up: what exists now lives as long as the process and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
