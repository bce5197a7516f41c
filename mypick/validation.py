"""What a schema error says, to a client of either door and to whoever sets the settings."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mypick.errors import Code, DomainError

MAX_DETAILS = 20  # mistakes named in one answer

# pydantic speaks to programmers: of inputs, parsing, dictionaries and the classes of this code
_PLAIN = {
    "extra_forbidden": "there is no such field: leave it out",
    "missing": "it is missing",
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "it must be a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "it must be true or false"),
    **dict.fromkeys(("dict_type", "model_type"), "it must be an object"),
    "list_type": "it must be a list",
    "string_type": "it must be text",
}


def to_invalid(failure: ValidationError, where: str = "") -> DomainError:
    """``INVALID`` with ``details: [{"field", "message"}]``, the field by its path after ``where``.

    What was sent is never quoted: it may be a password.
    """
    details = [
        {
            "field": ".".join([*([where] if where else []), *(str(step) for step in error["loc"])]) or "body",
            "message": plain(error),
        }
        for error in failure.errors(include_url=False, include_context=False, include_input=False)[:MAX_DETAILS]
    ]
    first = details[0]
    return DomainError(Code.INVALID, f"{first['field']}: {first['message']}", details=details)


def plain(error: Any) -> str:
    """What one of ``ValidationError.errors()`` means, without what was given."""
    message: str = error["msg"].removeprefix("Value error, ")
    return _PLAIN.get(error["type"]) or message.replace("Input should", "it must", 1)
