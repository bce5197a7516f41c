"""Rounds as a table, and the place for it in ``docs/reliability.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.plan import Target
from tests.chaos.storm import Result

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
ROWS: tuple[tuple[str, tuple[Target, ...]], ...] = (
    ("server kills", ("server", "both")),
    ("worker kills", ("worker", "both")),
    ("rolling restarts", ("restart",)),
    ("Redis restarts", ("redis",)),
    ("Redis pauses", ("redis paused",)),
    ("PostgreSQL restarts", ("postgres",)),
    ("PostgreSQL pauses", ("postgres paused",)),
    ("client networks", ("network",)),
    ("Redis networks", ("bus",)),
    ("PostgreSQL networks", ("database",)),
)
"""Faults as they are told, and what is counted together."""
_HEAD = (
    "form and seed",
    "clients",
    "notifications",
    "lost",
    "doubled",
    "reordered",
    *(name for name, _ in ROWS),
    "inside a fan-out",
    "bus messages dropped",
    "reconnects",
    "early ones held",
    "repeats ignored",
    "median delay s",
    "worst delay s",
    "longest away s",
    "seconds",
)


def render(results: Sequence[Result], load: float) -> str:
    """A table with one column for each round: so many figures read better downwards."""
    machine = f"{os.cpu_count()} cores · {platform.system()} {platform.machine()} · Python {platform.python_version()}"
    columns = [_HEAD, *(_column(result) for result in results)]
    rows = [[column[number] for column in columns] for number in range(len(_HEAD))]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|")
    wrong = [
        f"- {result.shape.form}, seed {result.seed}: {problem}" for result in results for problem in result.problems
    ]
    verdict = "Every client's log equals the database." if not wrong else "WRONG:"
    return "\n".join([f"{machine} · load average {load:.1f} at the start", "", *lines, "", verdict, *wrong])


def _column(result: Result) -> Sequence[str]:
    shape = result.shape
    return (
        f"{shape.form} {result.seed}",
        f"{shape.clients:,}",
        f"{result.judged.compared:,}",
        str(result.judged.lost),
        str(result.judged.doubled),
        str(result.judged.reordered),
        *(_count(result, targets) for _, targets in ROWS),
        str(result.in_fan_out),
        str(result.dropped) if shape.deaf else "–",
        f"{result.reconnects:,}",
        f"{result.gaps:,}",
        f"{result.repeats:,}",
        f"{result.delay_median:.1f}",
        f"{result.delay_worst:.1f}",
        f"{result.away_worst:.1f}",
        f"{result.seconds:.0f}",
    )


def _count(result: Result, targets: Sequence[Target]) -> str:
    if not any(target in result.shape.faults for target in targets):
        return "–"
    return str(sum(result.faults[target] for target in targets))


def write_between_markers(path: Path, text: str) -> None:
    """Replace what stands between the markers in ``path``. ``ValueError`` if they are not there."""
    page = path.read_text()
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{path} has no place for the table: it needs the lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}")
