"""The checks of the parts that every set-up has. The composition root names them and adds those of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Protocol

from mypick.operations.health import Check, Finding

MEMORY_WARNING = 0.9  # of the limit: above it the process is near its end
_PAGE = 4096  # bytes, where the machine does not say otherwise


class Pinged(Protocol):
    async def ping(self) -> object:
        """Returns when the far side has answered; raises when it does not."""


def ping_check(part: Pinged) -> Check:
    """Up if ``part`` answers: a database or a Redis."""

    async def check() -> Finding:
        await part.ping()
        return Finding("up")

    return check


class Checked(Protocol):
    @property
    def name(self) -> str: ...

    async def check(self) -> None:
        """Returns when the platform answers us; raises when it does not."""


def platform_check(platforms: Collection[Checked]) -> Check:
    """Down if a platform does not answer: new content comes late until it does, everything else works."""

    async def check() -> Finding:
        away = []
        for platform in platforms:
            try:
                await platform.check()
            except Exception as failure:  # whatever it is, this platform is away
                away.append(f"{platform.name}: {type(failure).__name__}")
        return Finding("down", ", ".join(away)) if away else Finding("up")

    return check


def process_check(failed: Callable[[], Collection[str]]) -> Check:
    """Down if a job without which this process is of no use was given up; ``failed`` names those."""

    async def check() -> Finding:
        names = failed()
        return Finding("down", ", ".join(names)) if names else Finding("up")

    return check


def switched_off(why: str) -> Check:
    """For a part that this set-up does without."""

    async def check() -> Finding:
        return Finding("off", why)

    return check


def backlog_check(count_due: Callable[[], Awaitable[int]], *, degraded_above: int) -> Check:
    """Degraded when more jobs are due than ``degraded_above``: workers are too few or dead."""

    async def check() -> Finding:
        due = await count_due()
        return Finding("degraded" if due > degraded_above else "up", f"{due} due")

    return check


def memory_check(
    *,
    limit: Callable[[], int | None] | None = None,
    used: Callable[[], int | None] | None = None,
) -> Check:
    """Degraded when the resident memory passes 90 % of what the process may use (both in bytes)."""
    read_limit, read_used = limit or memory_limit, used or resident_memory

    async def check() -> Finding:
        # files of the kernel, read without waiting for a disk; still never on the loop
        in_use, bound = await asyncio.to_thread(lambda: (read_used(), read_limit()))
        if in_use is None:
            return Finding("off", "this system does not tell")
        if bound is None:
            return Finding("up", f"{in_use // 2**20} MiB")
        used_of = f"{in_use // 2**20} of {bound // 2**20} MiB"
        return Finding("degraded" if in_use > bound * MEMORY_WARNING else "up", used_of)

    return check


def resident_memory(statm: Path = Path("/proc/self/statm")) -> int | None:
    """Bytes of this process in memory; None where the system does not tell."""
    try:
        return int(statm.read_text().split()[1]) * _page_size()
    except (OSError, ValueError, IndexError):
        return None


def memory_limit(
    cgroup: Path = Path("/sys/fs/cgroup/memory.max"), meminfo: Path = Path("/proc/meminfo")
) -> int | None:
    """Bytes that this process may use: the container's bound, else the machine's memory, else None."""
    try:
        return int(cgroup.read_text())
    except (OSError, ValueError):  # no container, or "max"
        pass
    try:
        return int(meminfo.read_text().split("MemTotal:", 1)[1].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return None


def _page_size() -> int:
    try:
        import resource  # absent on Windows
    except ImportError:
        return _PAGE
    return resource.getpagesize()
