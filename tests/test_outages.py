from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from mypick.outages import REMIND_EVERY, Outage
from tests.fakes import FakeClock


def lines(logs: list[Any]) -> list[tuple[str, str]]:
    return [(line["log_level"], line["event"]) for line in logs]


def test_many_users_who_miss_a_part_make_one_line_and_one_a_minute(clock: FakeClock) -> None:
    outage = Outage("redis", clock)
    with capture_logs() as logs:
        for _ in range(int(REMIND_EVERY) + 1):
            for user in ("bus", "wakes"):
                outage.away(user, ConnectionError("refused"))
            clock.advance(1)
        outage.back("wakes")
        outage.back("bus")
    assert lines(logs) == [("warning", "redis is away"), ("warning", "redis is still away"), ("info", "redis is back")]
    assert (logs[0]["seen_by"], logs[0]["error"]) == ("bus", "ConnectionError: refused")
    assert (logs[1]["for_s"], logs[2]["after_s"]) == (60, 61.0)


def test_a_part_that_nobody_missed_is_not_back(clock: FakeClock) -> None:
    with capture_logs() as logs:
        Outage("redis", clock).back("bus")
    assert logs == []


def test_each_outage_is_told(clock: FakeClock) -> None:
    outage = Outage("redis", clock)
    with capture_logs() as logs:
        for _ in range(2):
            outage.away("bus", TimeoutError())
            outage.back("bus")
    assert [event for _, event in lines(logs)] == ["redis is away", "redis is back"] * 2
