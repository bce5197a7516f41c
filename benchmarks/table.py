"""Rounds to tables. A ratio is taken within a round, where both ran in the same minute; then the median."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Round = Mapping[str, float]
"""What one subject did in one round: figure -> value."""


@dataclass(frozen=True)
class Figure:
    """One column. ``digits`` after the point; ``scale`` turns the stored unit into the shown one."""

    key: str
    title: str
    digits: int = 1
    scale: float = 1.0

    def show(self, value: float) -> str:
        return f"{value * self.scale:,.{self.digits}f}"


@dataclass(frozen=True)
class Goal:
    """What our own server must reach: a ratio to ``peer``, or a plain value where there is none."""

    figure: str
    bound: float
    peer: str | None = None
    sense: Literal["≤", "≥"] = "≤"

    def reached(self, value: float) -> bool:
        return value <= self.bound if self.sense == "≤" else value >= self.bound


@dataclass(frozen=True)
class Measurement:
    """One table. ``rounds[subject]`` has one entry for each round, in order, as many for every subject."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    goals: tuple[Goal, ...]
    rounds: Mapping[str, Sequence[Round]]
    notes: tuple[str, ...] = ()

    def ratios(self, subject: str, peer: str, figure: str) -> list[float]:
        """One ratio for each round; a round in which the peer's figure was too small to see has none."""
        pairs = zip(self.rounds[subject], self.rounds[peer], strict=True)
        return [mine[figure] / theirs[figure] for mine, theirs in pairs if theirs[figure] > 0]


def spread(values: Sequence[float], show: Figure) -> str:
    """``median (least–most)``; a dash where there is none."""
    if not values:
        return "–"
    if len(values) == 1:
        return show.show(values[0])
    return f"{show.show(median(values))} ({show.show(min(values))}–{show.show(max(values))})"


def verdicts(measurement: Measurement, subject: str = "ours") -> list[str]:
    """A line for each goal that this run could judge."""
    lines = []
    for goal in measurement.goals:
        figure = next(figure for figure in measurement.figures if figure.key == goal.figure)
        if subject not in measurement.rounds:
            continue
        if goal.peer is None:
            values, shown, against = [one[goal.figure] for one in measurement.rounds[subject]], figure, ""
        elif goal.peer in measurement.rounds:
            values = measurement.ratios(subject, goal.peer, goal.figure)
            shown, against = _RATIO, f" × {goal.peer}"
        else:
            continue
        if values:
            word = "reached" if goal.reached(median(values)) else "MISSED"
            aim = f"goal {goal.sense} {shown.show(goal.bound)}"
            lines.append(f"{figure.title}: {spread(values, shown)}{against}, {aim}: {word}")
    return lines


def render(measurement: Measurement, taken: str) -> str:
    """A heading, an aligned Markdown table that also reads well as plain text, the verdicts, the notes, and when and
    where it was ``taken``."""
    subjects = list(measurement.rounds)
    lead = measurement.figures[0]
    compared = [name for name in ("limit", "node", "stock", "one-per-transaction") if name in subjects]
    rows = [["", *(figure.title for figure in measurement.figures), *(f"× {name}" for name in compared)]]
    for subject in subjects:
        rounds = measurement.rounds[subject]
        cells = [spread([one[figure.key] for one in rounds], figure) for figure in measurement.figures]
        ratios = [
            "" if name == subject else spread(measurement.ratios(subject, name, lead.key), _RATIO) for name in compared
        ]
        rows.append([subject, *cells, *ratios])
    lines = [f"### {measurement.title}", "", *_aligned(rows)]
    said = [*verdicts(measurement), *measurement.notes]
    if compared:
        said.append(f"ratios are of {lead.title}, taken within each round")
    most = max(map(len, measurement.rounds.values()))
    said.append(f"{taken} · {f'{most} rounds, median (least–most)' if most > 1 else 'one round'}")
    return "\n".join([*lines, "", *(f"- {line}" for line in said), ""])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    first, *others = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))
        lines.append(f"| {' | '.join([row[0].ljust(first), *numbers])} |")
    rule = ["-" * (first + 2), *("-" * (width + 1) + ":" for width in others)]
    return [lines[0], f"|{'|'.join(rule)}|", *lines[1:]]


_RATIO = Figure("", "", 2)
