"""Rounds as a table, and the place for it in ``docs/reliability.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.chat.round import Talked
from tests.chaos.plan import Target
from tests.chaos.siege import Attack
from tests.chaos.silence import Silent
from tests.chaos.steps import Stepped
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


def render(
    results: Sequence[Result],
    talked: Sequence[Talked],
    stepped: Sequence[Stepped],
    silent: Sequence[Silent],
    attacks: Sequence[Attack],
    load: float,
) -> str:
    """Tables with one column for each round and for each of chat, and tables with a row for each round of clocks, each
    of dead links and each attack of the siege."""
    machine = f"{os.cpu_count()} cores · {platform.system()} {platform.machine()} · Python {platform.python_version()}"
    tables = []
    if results:
        columns = [_HEAD, *(_column(result) for result in results)]  # so many figures read better downwards
        tables.append(_table([[column[number] for column in columns] for number in range(len(_HEAD))]))
    if talked:
        columns = [_CHAT, *(_talk(each) for each in talked)]
        tables.append(_table([[column[number] for column in columns] for number in range(len(_CHAT))]))
    if stepped:
        tables.append(_table([_CLOCKS, *(_clocks(each) for each in stepped)]))
    if silent:
        tables.append(_table([_SILENCE, *(_silence(each) for each in silent)]))
    if attacks:
        tables.append(_table([_SIEGE, *(_row(attack) for attack in attacks)]))
    wrong = [
        f"- {result.shape.form}, seed {result.seed}: {problem}" for result in results for problem in result.problems
    ]
    wrong += [f"- chat, seed {each.seed}: {problem}" for each in talked for problem in each.problems]
    wrong += [f"- clocks, seed {each.seed}: {problem}" for each in stepped for problem in each.problems]
    wrong += [f"- silence, seed {each.seed}: {problem}" for each in silent for problem in each.problems]
    wrong += [f"- siege: {problem}" for attack in attacks for problem in attack.problems]
    slower = [
        f"- {ATTACKS[attack.name]}: the load was the slower side, by {1000 * attack.acks.late:.1f} ms"
        for attack in attacks
        if attack.load_was_slower
    ]
    compared = results or talked or stepped or silent
    verdict = "Every client's log equals the database." if compared else "Nobody else felt it."
    verdict = "WRONG:" if wrong else verdict
    head = f"{machine} · load average {load:.1f} at the start"
    return "\n\n".join([head, *tables, "\n".join([verdict, *wrong, *slower])])


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |" for row in rows
    ]
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


def write_between_markers(path: Path, text: str) -> None:
    """Replace what stands between the markers in ``path``. ``ValueError`` if they are not there."""
    page = path.read_text()
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{path} has no place for the table: it needs the lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}")
