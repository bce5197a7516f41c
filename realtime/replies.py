"""From what a client sent to a command, and from a reply to its ack."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from mypick.errors import Code, DomainError
from mypick.validation import to_invalid
from realtime.registry import CommandSpec


def decode(spec: CommandSpec, arguments: list[Any]) -> BaseModel:
    """The command in the arguments of an event, its name the first of them."""
    if len(arguments) > 2:
        raise DomainError(Code.INVALID, f"{spec.name} takes one object, {len(arguments) - 1} arguments came")
    payload = arguments[1] if len(arguments) > 1 else {}
    if not isinstance(payload, dict):
        raise DomainError(Code.INVALID, f"{spec.name} takes one object, not {_json_type(payload)}")
    try:
        # what model_validate does, without the four arguments that it hands on
        command: BaseModel = spec.model.__pydantic_validator__.validate_python(payload)
    except ValidationError as failure:
        raise to_invalid(failure) from None
    return command


def _json_type(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return "binary data"
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "that")


def succeeded(reply: BaseModel) -> bytes:
    """The ack with ``reply`` as its data, straight to JSON."""
    return b'{"ok":true,"data":%b}' % reply.__pydantic_serializer__.to_json(reply)
