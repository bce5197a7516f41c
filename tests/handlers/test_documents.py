from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from handlers.asyncapi import asyncapi
from handlers.docs.examples import BODIES
from handlers.pages import setup_pages
from handlers.routes import VIEWS
from handlers.rules import Access, rules_of_method
from mypick.errors import Code
from mypick.limits import DEFAULT_LIMITS
from tests.handlers.conftest import Rest, StartRest
from tests.handlers.events import EVENTS

# The AsyncAPI Initiative's own schema of 3.0.0, from @asyncapi/specs 6.11.1 (Apache-2.0), without white space.
SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.json")


@pytest.fixture
async def openapi(rest: Rest) -> dict[str, Any]:
    document: dict[str, Any] = await (await rest.client.get("/api/docs/spec")).json()
    return document


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


async def test_openapi_document_is_valid(openapi: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(openapi).validate()


async def test_every_route_is_documented_once(openapi: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in operations(openapi)]
    assert len(ids) == len(set(ids)) == sum(len(view.allowed_methods) for view in VIEWS.values())
    assert set(openapi["paths"]) == {"/api/v1" + path for path in VIEWS}


async def test_every_failure_is_the_envelope(openapi: dict[str, Any]) -> None:
    for operation in operations(openapi):
        failures = {status for status in operation["responses"] if status >= "400"}
        assert {"400", "429", "500", "503"} <= failures
        for status in failures:
            content = operation["responses"][status]["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Failure"}


async def test_every_code_is_explained(openapi: dict[str, Any]) -> None:
    text = openapi["components"]["schemas"]["Failure"]["properties"]["error"]["properties"]["code"]
    assert text["enum"] == [code.name for code in Code]
    assert all(code.text in text["description"] for code in Code)


def test_every_limit_that_a_route_names_exists() -> None:
    named = [rules_of_method(view, method) for view in VIEWS.values() for method in view.allowed_methods]
    assert {rules.limit for rules in named if rules and rules.limit} <= set(DEFAULT_LIMITS)


def test_no_route_that_answers_with_a_secret_keeps_its_answers() -> None:
    keepers = {
        rules.operation_id
        for view in VIEWS.values()
        for method in view.allowed_methods
        if (rules := rules_of_method(view, method)) and rules.idempotent
    }
    assert keepers.isdisjoint({"register", "logIn", "refresh", "logOut", "changePassword", "createMyApiKey"})


def test_every_unsafe_route_is_closed_unless_it_opens_a_session() -> None:
    opened = {
        rules.operation_id
        for view in VIEWS.values()
        for method in view.allowed_methods - {"GET"}
        if (rules := rules_of_method(view, method)) and rules.access in (Access.OPEN, Access.PUBLIC)
    }
    assert opened == {"register", "logIn", "refresh"}


async def test_example_bodies_fit_their_schemas(openapi: dict[str, Any]) -> None:
    shown = {}
    for operation in operations(openapi):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            shown[operation["operationId"]] = content["example"]
            schema = {**content["schema"], "components": openapi["components"]}
            jsonschema.Draft202012Validator(schema).validate(content["example"])
    assert shown == BODIES


async def test_asyncapi_document_is_valid(rest: Rest) -> None:
    document = await (await rest.client.get("/api/docs/events/spec")).json()
    jsonschema.Draft7Validator(orjson.loads(SCHEMA.read_bytes())).validate(document)


async def test_asyncapi_references_lead_somewhere(rest: Rest) -> None:
    document = await (await rest.client.get("/api/docs/events/spec")).json()
    references = list(_references(document))
    assert references
    for reference in references:
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        named = operation["messages"] + operation.get("reply", {}).get("messages", [])
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in named)


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_asyncapi_tells_commands_from_durable_events() -> None:
    document = asyncapi(EVENTS, version="1", server_url="https://mypick.example")
    operation = document["operations"]["notifications.mark-read"]
    assert operation["action"] == "receive"
    assert operation["reply"]["messages"] == [{"$ref": "#/channels/notifications/messages/mark-read.ack"}]
    assert document["operations"]["notifications.new-notification"]["action"] == "send"
    assert document["operations"]["notifications.new-notification"]["tags"] == [{"name": "durable"}]
    assert "reply" not in document["operations"]["community.typing"]
    assert [document["operations"][f"community.{name}"]["action"] for name in ("typing", "typing.sent")] == [
        "receive",
        "send",
    ], "what both sides may send stands there for each"
    assert document["servers"]["main"]["protocol"] == "wss"


def test_one_event_described_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="described twice"):
        asyncapi([EVENTS[0], EVENTS[0]], version="1", server_url="https://mypick.example")


class Links(HTMLParser):
    """What a page loads, where its links lead, and which places it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.anchors: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in ("script", "img", "iframe", "style"):
            self.loads.append(given.get("src") or tag)
        if tag == "link":
            self.loads.append(given["href"] or "")
        if tag == "a" and (given["href"] or "").startswith("#"):
            self.anchors.append((given["href"] or "")[1:])
        if given.get("id"):
            self.ids.append(given["id"] or "")
        assert "style" not in given
        assert not [name for name in given if name.startswith("on")]


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/events"])
async def test_pages_need_nothing_from_elsewhere(start_rest: StartRest, path: str) -> None:
    rest = await start_rest(change=setup_pages)
    response = await rest.client.get(path)
    page = await response.text()
    links = Links()
    links.feed(page)
    assert response.status == 200
    assert links.loads == ["/favicon.svg", "/static/style.css", "/api/docs/style.css", "/static/logo.svg"]
    assert [(await rest.client.get(address)).status for address in links.loads] == [200] * 4
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert set(links.anchors) <= set(links.ids)
    assert len(links.ids) == len(set(links.ids))
    assert not re.search(r"https?://(?!www\.youtube\.com|localhost)", page)


async def test_pages_show_every_operation_and_event(rest: Rest, openapi: dict[str, Any]) -> None:
    page = await (await rest.client.get("/api/docs")).text()
    assert all(f'id="{operation["operationId"]}"' in page for operation in operations(openapi))
    page = await (await rest.client.get("/api/docs/events")).text()
    assert all(f"<code>{event.event}</code>" in page for event in EVENTS)


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/events"])
async def test_pages_show_no_raw_markdown(rest: Rest, path: str) -> None:
    page = await (await rest.client.get(path)).text()
    prose = re.sub(r"<pre.*?</pre>|<code>.*?</code>", "", page, flags=re.DOTALL)
    assert "**" not in prose
    assert "`" not in prose
    assert not re.search(r"(?m)^\s*(-|#+) |>(- |#)", prose)


async def test_the_socket_document_says_first_how_to_connect(rest: Rest) -> None:
    document = await (await rest.client.get("/api/docs/events/spec")).json()
    guide = document["info"]["description"].split("## Rules")[0]
    for said in ("http://localhost:4000", "/socket.io/", "/notifications", '"token"', '"api_key"', "inbox:{user id}"):
        assert said in guide
    page = await (await rest.client.get("/api/docs/events")).text()
    assert page.index('<h2 id="connect">') < page.index('<h2 id="rules">') < page.index('id="group-1"')
