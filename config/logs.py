"""Structured logs: JSON in production, readable lines in development, secrets in neither."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import PayloadAccessError, RequestPayloadError

REDACTED = "[redacted]"
_NAME = r"passw|secret|token|authorization|api[_-]?key|cookie|dsn|credential"
_SECRET_NAME = re.compile(f"(?i)({_NAME})")
_SECRET_FORMS = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),  # a JWT
    (re.compile(r"(?i)\bbearer\s+[\w.~+/-]+=*"), REDACTED),
    (re.compile(r"\bmpk_[\w-]+"), REDACTED),  # an API key of ours
    # user and password in an address; Redis has only the second, and who forgot to quote an @ has two
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s]+(?=@)"), REDACTED),
    (re.compile(r"(?i)(\bcookie\s*:\s*)[^\r\n]+"), rf"\1{REDACTED}"),
    # key=…, token: …, "password": "…" in an address, a repr or a message
    (
        re.compile(
            rf"""(?i)([?&]key=|(?:{_NAME})[\w-]*["']?\s*[=:]\s*["']?)(?!\[redacted)"""
            r"""(?:(?:bearer|basic|digest)\s+)?[^\s,;&"']+"""
        ),
        rf"\1{REDACTED}",
    ),
)
_SHORT = 64  # characters of a text that is worth remembering
_OWN = frozenset({"timestamp", "level", "logger"})  # of a line: made here, so that nothing of others is in them
_DEPTH = 6  # deeper than any line we write; beyond it a value is shown as its type
_LARGEST, _SMALLEST = 2**64 - 1, -(2**63)  # the integers that JSON writers take


def redact(value: Any, depth: int = 0) -> Any:
    """``value`` with everything that looks like a secret, by name or by form, replaced. What comes out is JSON: of
    anything else its text, for the text is where its secrets would show."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and _SMALLEST <= value <= _LARGEST:
        return int(value)
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth >= _DEPTH:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        cleaned: dict[str, Any] = {}
        for key, item in value.items():
            name, is_secret = _read_name(str(key))
            cleaned[name] = REDACTED if is_secret else redact(item, depth + 1)
        return cleaned
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    return _redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


@lru_cache(maxsize=1_000)  # names of fields come out of the code, and are few
def _read_name(name: str) -> tuple[str, bool]:
    """A field's name as it is shown, and whether it says that its value is a secret."""
    return _redact_text(name), _SECRET_NAME.search(name) is not None


def _redact_text(text: str) -> str:
    if text.isalnum() and text.isascii():  # every form above has a character that is neither
        return text
    return _redact_short(text) if len(text) <= _SHORT else _redact_any(text)


@lru_cache(maxsize=4_000)  # about 1 MB: events, namespaces, paths, that come again with each line
def _redact_short(text: str) -> str:
    return _redact_any(text)


def _redact_any(text: str) -> str:
    for form, shown in _SECRET_FORMS:
        text = form.sub(shown, text)
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair would lose the whole line


def _redact_line(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    cleaned: dict[str, Any] = redact({name: item for name, item in line.items() if name not in _OWN})
    return cleaned | {name: line[name] for name in _OWN if name in line}


def _to_json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str).decode()


class ClientFaults(logging.Filter):
    """What aiohttp cannot read as HTTP is the client's fault: one quiet line, not an error with its stack, which an
    alarm or Sentry would take for ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        problem = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(problem, HttpProcessingError | RequestPayloadError | PayloadAccessError):
            record.msg, record.args = "unreadable HTTP request: %s", (type(problem).__name__,)
            record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        return True


class _Quick:
    """Writes a line of structlog straight to ``handler``'s stream, past the standard library's records: 15 µs in place
    of 40. Errors take the long way, on which Sentry and others listen."""

    def __init__(self, handler: logging.StreamHandler[Any]) -> None:
        self._handler = handler

    def __call__(self, _: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if method not in ("debug", "info", "warning") or "exc_info" in line:
            return line
        text = _to_json(_redact_line(None, method, line)) + "\n"
        # a full disk takes no lines, and must not fail what they tell of
        with self._handler.lock or contextlib.nullcontext(), contextlib.suppress(OSError):
            self._handler.stream.write(text)
            self._handler.flush()
        raise structlog.DropEvent


def configure_logs(*, level: str, json_lines: bool, quick: bool = True) -> None:
    """Send structlog and the standard library's loggers to stderr in one format. ``quick`` keeps lines below ERROR from
    the handlers of the standard library; off where something else listens to those."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if json_lines:
        # exceptions become text first, so that what they say is cleaned as well
        tail: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            _redact_line,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
    else:
        tail = [
            structlog.processors.format_exc_info,
            _redact_line,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    handler = logging.StreamHandler(sys.stderr)
    straight = [_Quick(handler)] if json_lines and quick else []
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            *straight,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    server = logging.getLogger("aiohttp.server")
    server.filters[:] = [ClientFaults()]
    # these write a line for every packet and query at INFO
    for noisy in ("engineio", "socketio", "tortoise", "aiohttp.access", "taskiq"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    # it warns whenever a look takes longer than its own interval; what is late is in our metrics
    logging.getLogger("taskiq.cli.scheduler").setLevel(logging.ERROR)
