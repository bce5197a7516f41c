"""How often Python looks for garbage cycles."""

from __future__ import annotations

import gc

# new objects before a look at the young ones, looks before one at the middle ones, and of those before one at all.
# With Python's 700, 10, 10 a quarter of the CPU of 5,000 connects went into looking at objects that live: that was the
# look at all, which comes here with every 20 million of them. A look at 20,000 young ones held the loop for 10 ms; at
# 1,000 it is half of one, and in all it costs the same, since each is looked at once.
THRESHOLDS = (1_000, 10, 2_000)


def collect_rarely() -> None:
    """Once, when everything is set up: what exists now lives as long as the process and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
