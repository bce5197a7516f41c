from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.platforms import youtube_values as values
from tests.platforms.patience import patient

MAY_FIRST = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-05-01T12:30:15Z", MAY_FIRST),
        ("2026-05-01T12:30:15.000Z", MAY_FIRST),
        ("2026-05-01T12:30:15.123456789Z", MAY_FIRST + timedelta(microseconds=123_456)),
        ("2026-05-01T12:30:15.5+00:00", MAY_FIRST + timedelta(milliseconds=500)),
        ("2026-05-01T12:30:15+0000", MAY_FIRST),
        ("2026-05-01T21:30:15+09:00", MAY_FIRST),
        ("2026-05-01T12:30:15", MAY_FIRST),
        ("2026-02-30T12:30:15Z", None),
        ("2026-05-01", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("1970-01-01T00:00:00Z", None),
        ("２０２６-05-01T12:30:15Z", None),
        (1_777_777_777, None),
        (None, None),
    ],
)
def test_times_are_read_in_every_spelling_seen(written: Any, read: datetime | None) -> None:
    assert values.moment(written) == read


@patient
@given(st.integers(0, 200_000_000_000_000_000), st.integers(-1439, 1439))
def test_a_time_means_the_same_in_every_zone(microseconds: int, minutes: int) -> None:
    when = datetime(2000, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)
    sign, offset = "-" if minutes < 0 else "+", abs(minutes)
    local = (when + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat(timespec="microseconds")
    assert values.moment(f"{local}{sign}{offset // 60:02d}:{offset % 60:02d}") == when


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("PT21M7S", 1_267),
        ("P1DT2S", 86_402),
        ("PT1H", 3_600),
        ("P1W", 604_800),
        ("PT0.5S", None),
        ("P0D", None),
        ("PT0S", None),
        ("P", None),
        ("", None),
        ("PT9999999999S", None),
        ("-PT5S", None),
        ("P1Y", None),
        (5, None),
    ],
)
def test_durations_are_seconds_and_nothing_is_none(written: Any, seconds: int | None) -> None:
    assert values.duration(written) == seconds


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("8087", 8_087),
        ("0", 0),
        (12, 12),
        ("", None),
        (None, None),
        (True, None),
        ("-1", None),
        ("1e3", None),
        ("٣", None),
        ("9" * 5_000, None),
        (2**63, None),
        (2**63 - 1, 2**63 - 1),
        (1.5, None),
    ],
)
def test_numbers_are_read_from_strings_and_what_is_not_told_is_none(written: Any, read: int | None) -> None:
    assert values.number(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("UC_x5XG1OV2P6uZZ5FSM9Ttw", "UC_x5XG1OV2P6uZZ5FSM9Ttw"),
        ("_x5XG1OV2P6uZZ5FSM9Ttw", "UC_x5XG1OV2P6uZZ5FSM9Ttw"),
        ("UCabcdefghijklmnopqrst", "UCUCabcdefghijklmnopqrst"),  # 22 characters that happen to begin with UC
        ("", None),
        (None, None),
        ("PL_x5XG1OV2P6uZZ5FSM9Ttw", None),
    ],
)
def test_a_channel_id_gets_the_uc_that_feeds_leave_out(written: Any, read: str | None) -> None:
    assert values.channel_id(written) == read


def test_the_picture_is_the_smallest_that_fills_a_card_whatever_the_sizes_are_called() -> None:
    sizes = {
        name: {"url": f"https://i/{name}", "width": width}
        for name, width in {"default": 120, "high": 480, "maxres": 1280, "uhd": 3840}.items()
    }
    assert values.picture(sizes) == "https://i/high"
    assert values.picture({"uhd": sizes["uhd"], "maxres": sizes["maxres"]}) == "https://i/maxres"
    assert values.picture({"default": sizes["default"]}) == "https://i/default"
    assert values.picture({"default": {"url": "https://i/unmeasured"}}) == "https://i/unmeasured"
    assert values.picture({}) is None
    assert values.picture({"high": {"url": "javascript:alert(1)", "width": 480}}) is None


def test_text_keeps_only_what_a_database_takes() -> None:
    assert values.text(" a\x00b\ud83dc😃 ", 10) == "abc😃"
    assert values.text("x" * 20, 10) == "x" * 10
    assert values.text(5, 10) == ""


@patient
@given(scalars)
def test_any_value_is_read_without_an_exception(value: Any) -> None:
    for read in (values.moment, values.duration, values.number, values.channel_id, values.identifier,
                 values.printable, values.address, values.picture, values.mapping):  # fmt: skip
        read(value)
    values.text(value, 100).encode()
