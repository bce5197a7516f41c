"""Structured logs: JSON in production, readable lines in development, secrets in neither."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
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
            rf"""(?i)([?&]key=|[\w-]*(?:{_NAME})[\w-]*["']?\s*[=:]\s*["']?)(?!\[redacted)"""
            r"""(?:(?:bearer|basic|digest)\s+)?[^\s,;&"']+"""
        ),
        rf"\1{REDACTED}",
    ),
)
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
        return {
            _redact_text(str(key)): REDACTED if _SECRET_NAME.search(str(key)) else redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    return _redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _redact_text(text: str) -> str:
    for form, shown in _SECRET_FORMS:
        text = form.sub(shown, text)
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair would lose the whole line


def _redact_line(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    cleaned: dict[str, Any] = redact(line)
    return cleaned


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


def configure_logs(*, level: str, json_lines: bool) -> None:
    """Send structlog and the standard library's loggers to stderr in one format."""
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
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
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
