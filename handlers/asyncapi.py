"""The AsyncAPI 3.0 document, from plain descriptions that the composition root collects at the socket door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from handlers.docs.connect import connect_guide
from handlers.docs.events import EventDescription
from handlers.docs.messages import MESSAGES
from handlers.docs.schemas import Mode, Schema, codes_table, error_schema, ref, schemas_of
from mypick.errors import Code

VERSION = "3.0.0"
_JSON = "application/json"


def asyncapi(events: Sequence[EventDescription], *, version: str, server_url: str) -> Schema:
    """The document, seen from the server: it receives commands and sends events. Raises ``ValueError`` where one event
    is described twice in a namespace and direction."""
    messages, operations = _Messages(events), _operations(events)
    address = urlsplit(server_url)
    return {
        "asyncapi": VERSION,
        "info": {"title": "MyPick socket API", "version": version, "description": _introduction(server_url)},
        "defaultContentType": _JSON,
        "servers": {
            "main": {
                "host": address.netloc,
                "pathname": "/socket.io/",
                "protocol": "wss" if address.scheme == "https" else "ws",
                "description": "Socket.IO protocol 5 over Engine.IO 4. Any official client works.",
                "security": [ref("securitySchemes", "token")],
            }
        },
        "channels": {
            _key(namespace): {
                "address": namespace,
                "title": namespace,
                "description": f"The Socket.IO namespace {namespace}.",
                "messages": {
                    name: ref("messages", f"{_key(namespace)}.{name}") for name in messages.names(namespace)
                },
            }
            for namespace in _namespaces(events)
        },
        "operations": operations,
        "components": {
            "messages": messages.components,
            "schemas": messages.schemas,
            "securitySchemes": {
                "token": {
                    "type": "userPassword",
                    "description": "`auth: {token}` of the Socket.IO handshake, with an access token of the REST API, "
                    "or `auth: {api_key}`, with a key that has the scope `read`. "
                    "A bad one is refused: `connect_error.data = {code, message}`.",
                }
            },
        },
    }


class _Messages:
    """A message for each event, and one for each ack."""

    def __init__(self, events: Sequence[EventDescription]) -> None:
        wanted: list[tuple[Any, Mode]] = []
        for event in events:
            wanted.append((event.payload, _mode(event)))
            if event.ack is not None:
                wanted.append((event.ack, "serialization"))
        references, definitions = schemas_of(wanted)
        self.schemas: Schema = {**definitions, "Error": error_schema(socket=True)}
        self.components: Schema = {}
        names = _names(events)
        for event in events:
            name = f"{_key(event.namespace)}.{names[event]}"
            if name in self.components:
                raise ValueError(f"{event.event} of {event.namespace} is described twice")
            self.components[name] = {
                "name": event.event,
                "title": event.event,
                "summary": event.summary,
                "contentType": _JSON,
                "payload": references[event.payload, _mode(event)],
                "tags": [{"name": _kind(event)}],
            }
            if name in MESSAGES:
                self.components[name]["examples"] = [{"payload": MESSAGES[name]}]
            if event.ack is not None:
                self.components[f"{name}.ack"] = {
                    "name": f"{event.event} ack",
                    "title": f"Ack of {event.event}",
                    "contentType": _JSON,
                    "payload": _ack(references[event.ack, "serialization"]),
                }

    def names(self, namespace: str) -> list[str]:
        prefix = _key(namespace) + "."
        return [name.removeprefix(prefix) for name in self.components if name.startswith(prefix)]


def _operations(events: Sequence[EventDescription]) -> Schema:
    found: Schema = {}
    names = _names(events)
    for event in events:
        channel = f"#/channels/{_key(event.namespace)}"
        operation: Schema = {
            "action": "receive" if event.direction == "client-to-server" else "send",
            "channel": {"$ref": channel},
            "title": event.event,
            "summary": event.summary,
            "messages": [{"$ref": f"{channel}/messages/{names[event]}"}],
            "tags": [{"name": _kind(event)}],
        }
        if event.ack is not None:
            operation["reply"] = {
                "channel": {"$ref": channel},
                "messages": [{"$ref": f"{channel}/messages/{names[event]}.ack"}],
            }
        found[f"{_key(event.namespace)}.{names[event]}"] = operation
    return found


def _names(events: Sequence[EventDescription]) -> dict[EventDescription, str]:
    """What an event is called in the document: as on the wire, but for one of the server that has the name of a
    command in its namespace, as ``typing`` has."""
    commands = {(event.namespace, event.event) for event in events if event.direction == "client-to-server"}
    return {
        event: f"{event.event}.sent"
        if event.direction == "server-to-client" and (event.namespace, event.event) in commands
        else event.event
        for event in events
    }


def _mode(event: EventDescription) -> Mode:
    # what is read may leave out what has a default; what is written is written whole
    return "validation" if event.direction == "client-to-server" else "serialization"


def _kind(event: EventDescription) -> str:
    if event.direction == "client-to-server":
        return "command"
    return "durable" if event.durable else "not-durable"


def _key(namespace: str) -> str:
    return namespace.strip("/").replace("/", ".") or "root"


def _namespaces(events: Iterable[EventDescription]) -> list[str]:
    return list(dict.fromkeys(event.namespace for event in events))


def _ack(data: Schema) -> Schema:
    return {
        "oneOf": [
            {
                "type": "object",
                "required": ["ok", "data"],
                "properties": {"ok": {"const": True}, "data": data},
            },
            {
                "type": "object",
                "required": ["ok", "error"],
                "properties": {"ok": {"const": False}, "error": ref("schemas", "Error")},
            },
        ]
    }


def _introduction(server_url: str) -> str:
    return f"{connect_guide(server_url)}\n\n{_RULES}"


_RULES = f"""\
## Rules

Every command is acknowledged, unless it says otherwise. Unknown fields are refused.

Durable events carry `stream`, `epoch` and a gapless `seq`. Apply an event if `seq` is your last + 1, ignore a lower
one, and on a higher one hold it and call `sync`. Commands that change something durable carry `cid`, a client-made id
of at most 64 characters: sent again, it gets the same reply and changes nothing.

## Codes

{codes_table(Code)}
"""
