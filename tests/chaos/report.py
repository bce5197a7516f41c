"""Rounds as tables, and the places for them in ``docs/reliability.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.blocks import Blocks
from tests.chaos.chat.round import Talked
from tests.chaos.plan import Target
from tests.chaos.siege import Attack
from tests.chaos.silence import Silent
from tests.chaos.steps import Stepped
from tests.chaos.storm import Result

BLOCKS = Blocks("chaos", ("embedded", "full", "nodes", "chat", "clocks", "silence", "siege"))
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
    "of these official ones",
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

DEEDS: Sequence[tuple[str, Sequence[str]]] = (
    ("messages", ("send-message",)),
    ("edits", ("edit-message",)),
    ("deletes", ("delete-message",)),
    ("reactions and pins", ("react", "pin-message")),
    ("timeouts, bans, unbans", ("timeout-member", "ban-member", "unban-member")),
    ("modes, purges, held ones decided", ("set-room-mode", "purge-member", "decide-held")),
)
CHAT_FAULTS = tuple((name, targets) for name, targets in ROWS if "restart" not in targets and "postgres" not in targets)
_CHAT = (
    "form and seed",
    "clients",
    "of these official ones",
    *(name for name, _ in DEEDS),
    "refused",
    "answered twice",
    "refused, an answer lost",
    "events of the rooms",
    "events compared",
    "wrong",
    *(name for name, _ in CHAT_FAULTS),
    "bus messages dropped",
    "reconnects",
    "early ones held",
    "repeats ignored",
    "longest away s",
    "seconds",
)
_CLOCKS = (
    "form and seed",
    "clocks",
    "steps",
    "notifications",
    "messages",
    "lost",
    "doubled",
    "reordered",
    "stamped before the last",
    "reconnects",
    "tokens renewed",
    "slowest answer s",
    "seconds",
)
_SILENCE = (
    "form and seed",
    "ping and timeout s",
    "dead links",
    "noticed after s",
    "all back after s",
    "notifications",
    "lost",
    "doubled",
    "reordered",
    "read nothing",
    "gone after s",
    "cut for their bound",
    "most held KiB",
    "seconds",
)
ATTACKS = {"slow": "slow readers", "drip": "slowloris", "flood": "connection flood", "fuzz": "broken packets"}
_SIEGE = (
    "attack",
    "connections",
    "packets",
    "calm p99 ms",
    "p99 ms",
    "worst ms",
    "of the load itself ms",
    "loop held ≤ ms",
    "MiB kept",
    "descriptors kept",
    "tasks kept",
    "back after s",
    "seconds",
)


Done = Result | Talked | Stepped | Silent | Attack
"""What a round of any form, or an attack, came to."""


def render(done: Sequence[Done], when: str) -> str:
    """The rounds of one form as a table, and the verdict: a column for each round with many figures, else a row for
    each round or attack."""
    rows: list[Sequence[str]] = []
    wrong, slower = [], []
    for each in done:
        match each:
            case Result():
                rows, name = [*(rows or [_HEAD]), _column(each)], f"seed {each.seed}"
            case Talked():
                rows, name = [*(rows or [_CHAT]), _talk(each)], f"seed {each.seed}"
            case Stepped():
                rows, name = [*(rows or [_CLOCKS]), _clocks(each)], f"seed {each.seed}"
            case Silent():
                rows, name = [*(rows or [_SILENCE]), _silence(each)], f"seed {each.seed}"
            case Attack():
                rows, name = [*(rows or [_SIEGE]), _row(each)], ATTACKS[each.name]
                if each.load_was_slower:
                    slower.append(f"- {name}: the load was the slower side, by {1000 * each.acks.late:.1f} ms")
        wrong += [f"- {name}: {problem}" for problem in each.problems]
    if rows[0] in (_HEAD, _CHAT):  # so many figures read better downwards
        rows = [row for row in zip(*rows, strict=True) if set(row[1:]) != {"–"}]
    right = "Nobody else felt it." if rows[0] is _SIEGE else "Every client's log equals the database."
    return "\n\n".join([_table(rows), "\n".join([f"{'WRONG:' if wrong else right} Taken {when}.", *wrong, *slower])])


def taken() -> str:
    """When and on what the rounds that begin now are run."""
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{os.cpu_count()} cores",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"load average {os.getloadavg()[0]:.1f} at the start",
    ]
    return " · ".join(parts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|")
    return "\n".join(lines)


def _column(result: Result) -> Sequence[str]:
    shape = result.shape
    return (
        f"{shape.form} {result.seed}",
        f"{shape.clients:,}",
        str(result.official or "–"),
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


def _talk(talked: Talked) -> Sequence[str]:
    verdict, faults = talked.verdict, talked.faults
    return (
        f"chat {talked.seed}",
        str(talked.size.clients),
        str(talked.official),
        *(f"{sum(talked.kinds[name] for name in names):,}" for _, names in DEEDS),
        f"{verdict.refused:,}",
        f"{talked.twins:,}",
        f"{verdict.unsure:,}",
        f"{verdict.events:,}",
        f"{verdict.compared:,}",
        str(len(verdict.problems)),
        *(str(sum(faults[target] for target in targets)) for _, targets in CHAT_FAULTS),
        str(talked.dropped),
        f"{talked.reconnects:,}",
        f"{talked.gaps:,}",
        f"{talked.repeats:,}",
        f"{talked.away_worst:.1f}",
        f"{talked.seconds:.0f}",
    )


def _clocks(stepped: Stepped) -> Sequence[str]:
    return (
        f"clocks {stepped.seed}",
        str(stepped.machines),
        str(stepped.size.steps),
        f"{stepped.notifications:,}",
        f"{stepped.messages:,}",
        str(stepped.lost),
        str(stepped.doubled),
        str(stepped.reordered),
        str(stepped.back),
        f"{stepped.reconnects:,}",
        f"{stepped.renewals:,}",
        f"{stepped.slowest:.1f}",
        f"{stepped.seconds:.0f}",
    )


def _silence(silent: Silent) -> Sequence[str]:
    links = silent.links
    return (
        f"silence {silent.seed}",
        f"{links.interval + links.timeout}",
        str(silent.dead),
        f"{silent.noticed:.1f}",
        f"{silent.back:.1f}",
        f"{silent.notifications:,}",
        str(silent.lost),
        str(silent.doubled),
        str(silent.reordered),
        str(links.deaf),
        f"{silent.deaf_for:.1f}",
        str(silent.too_slow),
        f"{silent.most_held / 1024:,.0f}",
        f"{silent.seconds:.0f}",
    )


def _row(attack: Attack) -> Sequence[str]:
    before, after = attack.before, attack.after
    return (
        ATTACKS[attack.name],
        f"{attack.figures['connections']:,}",
        f"{attack.figures.get('sent', attack.figures.get('asked', 0)):,}",
        f"{1000 * attack.calm.p99:.1f}",
        f"{1000 * attack.acks.p99:.1f}",
        f"{1000 * attack.acks.worst:.1f}",
        f"{1000 * attack.acks.late:.1f}",
        f"{1000 * attack.held:.1f}",
        f"{attack.grown:+.1f}",
        f"{after.descriptors - before.descriptors:+d}",
        f"{after.tasks - before.tasks:+d}",
        f"{attack.back_after:.1f}",
        f"{attack.seconds:.0f}",
    )


def _count(result: Result, targets: Sequence[Target]) -> str:
    if not any(target in result.shape.faults for target in targets):
        return "–"
    return str(sum(result.faults[target] for target in targets))
