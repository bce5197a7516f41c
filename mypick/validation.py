"""What a schema error looks like to a client of either door."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mypick.errors import Code, DomainError

MAX_DETAILS = 20  # mistakes named in one answer


def to_invalid(failure: ValidationError, where: str = "") -> DomainError:
    """``INVALID`` with ``details: [{"field", "message"}]``, the field by its path after ``where``.

    What was sent is never quoted: it may be a password.
    """
    details = [
        {
            "field": ".".join([*([where] if where else []), *(str(step) for step in error["loc"])]) or "body",
            "message": _said(error),
        }
        for error in failure.errors(include_url=False, include_context=False, include_input=False)[:MAX_DETAILS]
    ]
    first = details[0]
    return DomainError(Code.INVALID, f"{first['field']}: {first['message']}", details=details)


def _said(error: Any) -> str:
    message: str = error["msg"]
    if error["type"] == "extra_forbidden":
        return "there is no such field: leave it out"
    if error["type"] == "missing":
        return "it is missing"
    return message.removeprefix("Value error, ")
