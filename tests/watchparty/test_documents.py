"""What the documents say of watch parties, made from the namespace itself."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from config.wiring import describe_sockets
from handlers.asyncapi import asyncapi
from handlers.docs.messages import MESSAGES
from handlers.docs.outline import event_groups
from tests.realtime.node import Node

BEYOND_THE_WIRE = ("queue-next", "delete-message", "gate", "party-changed", "presence", "message-deleted")
"""What the namespace has that was not agreed on first: docs/decisions.md says why."""


@pytest.fixture
def document(node: Node) -> dict[str, Any]:
    return asyncapi(describe_sockets(node.door), version="1", server_url="https://mypick.example")


def test_every_example_of_a_message_fits_its_schema(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    for name, example in MESSAGES.items():
        schema = {**messages[name]["payload"], "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(example)
        assert messages[name]["examples"] == [{"payload": example}]


@pytest.mark.parametrize("name", BEYOND_THE_WIRE)
def test_what_goes_beyond_the_agreed_wire_is_shown_with_an_example(document: dict[str, Any], name: str) -> None:
    (group,) = [group for group in event_groups(document) if group.name == "/watch-party"]
    (entry,) = [entry for entry in group.entries if entry.name == name]
    assert entry.summary
    assert entry.body
    assert set(entry.example) <= {field.name for field in entry.body}
