"""From what a client sent to a command, and from what went wrong to what it is told."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from mypick.errors import Code, DomainError
from mypick.validation import to_invalid
from realtime.registry import CommandSpec


def decode(spec: CommandSpec, arguments: list[Any]) -> BaseModel:
    if len(arguments) > 1:
        raise DomainError(Code.INVALID, f"{spec.name} takes one object, {len(arguments)} arguments came")
    payload = arguments[0] if arguments else {}
    if not isinstance(payload, dict):
        raise DomainError(Code.INVALID, f"{spec.name} takes one object, not {_json_type(payload)}")
    try:
        return spec.model.model_validate(payload)
    except ValidationError as failure:
        raise to_invalid(failure) from None


def _json_type(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return "binary data"
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "that")


def wire_error(error: DomainError) -> dict[str, Any]:
    shown = {**error.body(), "retryable": error.code.retryable}
    if error.retry_after_ms is not None:
        shown["retry_after_ms"] = error.retry_after_ms
    return shown


def failed(error: DomainError) -> dict[str, Any]:
    return {"ok": False, "error": wire_error(error)}
