"""JSON Schemas that both documents share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mypick.errors import Code

REF = "#/components/schemas/{model}"
Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]


def ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def schemas_of(
    models: Iterable[tuple[type[BaseModel], Mode]],
) -> tuple[dict[tuple[type[BaseModel], Mode], Schema], dict[str, Schema]]:
    """A reference for each model and mode, and the schemas that they point to. Names never collide."""
    wanted = list(dict.fromkeys(models))
    references, definitions = models_json_schema(wanted, ref_template=REF)
    found = {key: references[key] for key in wanted}
    return found, dict(definitions.get("$defs", {}))


def codes_table(codes: Iterable[Code]) -> str:
    """One line for each code, as Markdown."""
    return "\n".join(
        f"- `{code.name}`: {code.text} ({'a retry can help' if code.retryable else 'a retry cannot help'})"
        for code in codes
    )


def error_schema(*, socket: bool) -> Schema:
    """The ``error`` of an envelope or an ack. Only acks say in the body whether and when to try again: REST has the
    status and ``Retry-After``."""
    properties: Schema = {
        "code": {
            "type": "string",
            "enum": [code.name for code in Code],
            "description": "What is wrong:\n" + codes_table(Code),
        },
        "message": {"type": "string", "description": "what is wrong and what to do; for people"},
        "details": {
            "description": "INVALID: the fields that are wrong. INTERNAL and UNAVAILABLE: the incident id.",
            "anyOf": [
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "message"],
                        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                    },
                },
                {"type": "object"},
                {"type": "null"},
            ],
        },
    }
    required = ["code", "message"]
    if socket:
        properties["retryable"] = {"type": "boolean"}
        properties["retry_after_ms"] = {"type": "integer", "minimum": 0}
        required.append("retryable")
    return {"type": "object", "required": required, "properties": properties}
