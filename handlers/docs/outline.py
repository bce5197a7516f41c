"""A document cut into what its page shows: groups of entries, and tables of fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handlers.docs.schemas import Schema

_DEPTH = 3  # levels of fields shown in place; what lies deeper is a link to its own table
_CHOICES = 12  # values of an enum that a type names; the rest is in the description


@dataclass(frozen=True, slots=True)
class Field:
    """A row of a table. ``links``: names of schemas that the type mentions."""

    name: str
    type: str
    links: tuple[str, ...]
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation or an event."""

    anchor: str
    label: str  # "GET", "command", "durable"
    name: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    example: Any
    answers: list[tuple[str, str, list[Field]]]  # status or name, description, fields


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    description: str
    entries: list[Entry]


def operation_groups(document: Schema) -> list[Group]:
    """REST operations by tag, in the order of the paths."""
    entries: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            entries[operation["tags"][0]].append(_operation(document, path, method, operation))
    return [Group(tag["name"], tag["description"], entries[tag["name"]]) for tag in document["tags"]]


def _operation(document: Schema, path: str, method: str, operation: Schema) -> Entry:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parameters = [_resolve(document, parameter) for parameter in operation.get("parameters", [])]
    return Entry(
        anchor=operation["operationId"],
        label=method.upper(),
        name=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=[
            Field(
                f"{parameter['name']} ({parameter['in']})",
                *_type(parameter["schema"]),
                required=parameter["required"],
                description=parameter.get("description", ""),
            )
            for parameter in parameters
        ],
        body=_fields(document, body.get("schema", {})),
        example=body.get("example"),
        answers=[
            (
                status,
                answer["description"],
                # failures all look alike: the page shows their shape once
                _fields(document, answer["content"]["application/json"]["schema"]) if status < "300" else [],
            )
            for status, answer in operation["responses"].items()
        ],
    )


def event_groups(document: Schema) -> list[Group]:
    """Socket commands and events by namespace."""
    groups = []
    for key, channel in document["channels"].items():
        operations = [
            (name, operation)
            for name, operation in document["operations"].items()
            if operation["channel"]["$ref"] == f"#/channels/{key}"
        ]
        entries = [_event(document, name, operation) for name, operation in operations]
        groups.append(Group(channel["address"], channel["description"], entries))
    return groups


def _event(document: Schema, name: str, operation: Schema) -> Entry:
    message, ack = document["components"]["messages"][name], document["components"]["messages"].get(f"{name}.ack")
    answers = []
    if ack is not None:
        answers.append(("ack data", "", _fields(document, ack["payload"]["oneOf"][0]["properties"]["data"])))
    return Entry(
        anchor=name,
        label=operation["tags"][0]["name"],
        name=operation["title"],
        summary=operation["summary"],
        description="",
        parameters=[],
        body=_fields(document, message["payload"]),
        example=message["examples"][0]["payload"] if "examples" in message else None,
        answers=answers,
    )


def schema_outline(document: Schema) -> list[tuple[str, str, list[Field]]]:
    """Every schema with fields: name, description, fields."""
    return [
        (name, schema.get("description", ""), _fields(document, schema, depth=_DEPTH))
        for name, schema in sorted(document["components"]["schemas"].items())
        if "properties" in schema
    ]


def _fields(document: Schema, schema: Schema, prefix: str = "", depth: int = 1) -> list[Field]:
    schema = _resolve(document, schema)
    rows = []
    for name, field in schema.get("properties", {}).items():
        kind, links = _type(field)
        rows.append(
            Field(prefix + name, kind, links, name in schema.get("required", []), field.get("description", ""))
        )
        inner = _resolve(document, field)
        if "properties" in inner and depth < _DEPTH:
            rows.extend(_fields(document, inner, f"{prefix}{name}.", depth + 1))
    return rows


def _resolve(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    resolved: Schema = found
    return resolved


def _type(schema: Schema) -> tuple[str, tuple[str, ...]]:
    """In words, with its bounds; and the schemas that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return name, (name,)
    if "const" in schema:
        return repr(schema["const"]).lower(), ()
    if "enum" in schema:
        shown = [str(value) for value in schema["enum"][:_CHOICES]]
        return " · ".join(shown) + (" …" if len(schema["enum"]) > _CHOICES else ""), ()
    for union in ("anyOf", "oneOf"):
        if union in schema and "type" not in schema:
            parts = [_type(variant) for variant in schema[union]]
            return " or ".join(dict.fromkeys(text for text, _ in parts)), tuple(
                link for _, links in parts for link in links
            )
    if schema.get("type") == "array":
        text, links = _type(schema.get("items", {}))
        return f"list of {text}", links
    kind = schema.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return ", ".join([text, *_bounds(schema)]), ()


_BOUNDS = {"minLength": "≥ {} characters", "maxLength": "≤ {} characters", "minimum": "≥ {}", "maximum": "≤ {}"}


def _bounds(schema: Schema) -> list[str]:
    shown = [text.format(schema[name]) for name, text in _BOUNDS.items() if name in schema]
    return [*([schema["format"]] if "format" in schema else []), *shown]
