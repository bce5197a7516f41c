"""Logs: no secret by any name or form, however deep, and every line of production is JSON."""

from __future__ import annotations

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from config.logs import REDACTED, _to_json, configure_logs, redact
from tests.platforms.patience import patient

CANARY = "Zq9canaryZq9"
FORMS = [
    f"Bearer {CANARY}",
    f"bearer  {CANARY}.x~y+z/==",
    f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}",
    f"mpk_{CANARY}",
    f"postgres://someone:{CANARY}@host/name",
    f"redis://:{CANARY}@host:6379/0",
    f"postgres://someone:pa@{CANARY}@host/name",
    f"https://api.example/videos?part=id&key={CANARY}",
    f"https://api.example/?access_token={CANARY}&x=1",
    f"X-API-Key: {CANARY}",
    f"Authorization: Basic {CANARY}==",
    f"Cookie: theme=dark; sid={CANARY}",
    f'{{"password": "{CANARY}"}}',
    f"Settings(jwt_secret='{CANARY}')",
]
NAMES = [
    "password", "new_password", "Authorization", "refresh_token", "access-token", "api_key", "X-API-Key", "apikey",
    "Set-Cookie", "sentry_dsn", "jwt_secret", "SECRET", "passwd", "credentials",
]  # fmt: skip


@dataclass
class Holder:
    password: str


def holders(text: str) -> list[Any]:
    """Objects that are no JSON and would show ``text`` when they are written."""
    return [text, text.encode(), ValueError(text), Holder(text), URL(f"redis://:{CANARY}@host/0")]


SECRET_VALUES = st.sampled_from(FORMS).flatmap(lambda form: st.sampled_from(holders(f"before {form} after")))
HARMLESS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=4))
KEYS = st.one_of(st.text(max_size=6), st.integers(), st.none())


def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(st.one_of(inner, HARMLESS), min_size=1, max_size=3),
        st.tuples(HARMLESS, inner),
        st.dictionaries(KEYS, st.one_of(inner, HARMLESS), min_size=1, max_size=3),
        st.sampled_from(FORMS).map(lambda form: {form: 1}),
        st.sampled_from(NAMES).flatmap(lambda name: st.just({name: CANARY})),
        st.sampled_from(NAMES).flatmap(lambda name: st.just({name: {"nested": [CANARY]}})),
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stderr, in the format of production."""
    root, output = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level)
    monkeypatch.setattr(sys, "stderr", output)
    configure_logs(level="DEBUG", json_lines=True)
    yield output
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()


@patient
@given(st.recursive(SECRET_VALUES, around, max_leaves=8))
def test_no_secret_shows_wherever_it_stands_and_every_line_is_json(value: Any) -> None:
    line = _to_json(redact({"event": "something", "value": value}))
    assert CANARY not in line
    assert json.loads(line)["event"] == "something"


@pytest.mark.parametrize("form", FORMS)
def test_secret_in_the_text_of_a_line_and_of_an_exception_does_not_show(written: io.StringIO, form: str) -> None:
    log = structlog.get_logger("mypick.test")
    log.warning(f"trying {form} now", detail=form)
    log.error("it failed", exc_info=RuntimeError(form))
    logging.getLogger("some.library").error("refused: %s", form)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert sum(line["logger"] in ("mypick.test", "some.library") for line in lines) == 3  # others may write too
    assert CANARY not in written.getvalue()
    assert REDACTED in lines[0]["event"]
    assert "RuntimeError" in lines[1]["exception"]
    assert lines[2]["logger"] == "some.library"


@pytest.mark.parametrize("name", NAMES)
def test_secret_by_its_name_does_not_show(written: io.StringIO, name: str) -> None:
    structlog.get_logger("mypick.test").info("signed in", **{name: CANARY}, nested=[{"deep": {name: [CANARY]}}])
    line = json.loads(written.getvalue())
    assert line[name] == REDACTED
    assert CANARY not in written.getvalue()


def test_lines_that_json_cannot_hold_are_written_all_the_same(written: io.StringIO) -> None:
    structlog.get_logger("mypick.test").info(
        "half \ud800 pair", huge=2**80, keys={1: 2, None: 3}, nan=float("nan"), thing=object(), raw=b"\xff"
    )
    line = json.loads(written.getvalue())
    assert line["huge"] == str(2**80)
    assert line["keys"] == {"1": 2, "None": 3}
    assert line["level"] == "info"


def test_a_disk_that_takes_no_lines_fails_nobody(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(written, "write", full)
    structlog.get_logger("test").warning("nobody reads this")
    structlog.get_logger("test").error("nor this")
    monkeypatch.undo()
    structlog.get_logger("test").info("there is room")
    assert "there is room" in written.getvalue()


def test_ordinary_values_are_left_as_they_are() -> None:
    line = {"event": "listening", "port": 4000, "rate": 0.5, "ok": True, "none": None, "url": "http://localhost:4000"}
    assert redact(line) == line
    assert redact({"text": "the tokenizer reads 하늘의 부엌 at 10:30"}) == {
        "text": "the tokenizer reads 하늘의 부엌 at 10:30"
    }


def test_development_writes_readable_lines_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    root, output = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level)
    monkeypatch.setattr(sys, "stderr", output)
    configure_logs(level="INFO", json_lines=False)
    try:
        structlog.get_logger("mypick.test").info("hello", token=CANARY, text=f"Bearer {CANARY}")
        structlog.get_logger("mypick.test").debug("too quiet")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        structlog.reset_defaults()
    assert "hello" in output.getvalue()
    assert CANARY not in output.getvalue()
    assert "too quiet" not in output.getvalue()
