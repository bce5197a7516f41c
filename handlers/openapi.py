"""The OpenAPI 3.1 document, from the routes.

aiohttp-pydantic's generator gives paths, parameters and bodies; the rules above each handler give the rest. Its own
responses are not used: it knows neither the envelope nor the errors, and writes what is read, not what is shown.
"""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_origin, get_type_hints

from aiohttp import web
from aiohttp_pydantic.oas import pydantic_schema_to_oas
from aiohttp_pydantic.oas.view import generate_oas
from pydantic import BaseModel

from handlers.docs.components import (
    HEADERS,
    IDEMPOTENCY_KEY,
    INTRODUCTION,
    RATE_HEADERS,
    SECURITY,
    SHARED,
    TAGS,
)
from handlers.docs.examples import BODIES
from handlers.docs.schemas import Mode, Schema, codes_table, ref, schemas_of
from handlers.rules import Access, Rules, rules_of_method
from handlers.views import UNSAFE, ApiView
from mypick.errors import Code
from mypick.limits import GENERAL
from mypick.notifications.views import InboxPage
from mypick.pagination import Page

VERSION = "3.1.0"
_METHODS = ("get", "post", "put", "patch", "delete")  # the order in which a path shows them


def openapi(app: web.Application, *, version: str, server_url: str) -> Schema:
    """The document of every ``ApiView`` route of ``app``."""
    # The generator asks this registry for 3.0.0, whose translation loses bounds and fails on references. In 3.1 JSON
    # Schema stands as pydantic writes it, so nothing is to be translated.
    pydantic_schema_to_oas.add_or_replace_translater("3.0.0", lambda schema: None)  # noqa: ARG005 - its signature
    document: Schema = generate_oas([app], version, "MyPick REST API")
    views = {
        route.resource.canonical: route.handler
        for route in app.router.routes()
        if route.resource is not None and isinstance(route.handler, type) and issubclass(route.handler, ApiView)
    }
    answers = _Answers(views)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method, views[path], answers)
        document["paths"][path] = {name: operations[name] for name in _METHODS if name in operations}
    document["openapi"] = VERSION
    document["info"]["description"] = INTRODUCTION
    document["servers"] = [{"url": server_url}]
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = document.setdefault("components", {})
    schemas = {**components.get("schemas", {}), **answers.definitions, **SHARED}
    components["schemas"] = {name: schemas[name] for name in sorted(_named_in(document["paths"], schemas))}
    components["headers"] = HEADERS
    components["parameters"] = {"IdempotencyKey": IDEMPOTENCY_KEY}
    components["securitySchemes"] = SECURITY
    return document


class _Answers:
    """The schemas of what routes answer, as they are written."""

    def __init__(self, views: dict[str, type[ApiView]]) -> None:
        self._types = {
            (path, method): self._declared(getattr(view, method))
            for path, view in views.items()
            for method in _METHODS
            if rules_of_method(view, method.upper())
        }
        models = [model for _, answer in self._types.values() for model in _models_in(answer)]
        wanted: list[tuple[type[BaseModel], Mode]] = [(model, "serialization") for model in models]
        self._references, self.definitions = schemas_of(wanted)

    @staticmethod
    def _declared(handler: Any) -> tuple[int, Any]:
        annotation = get_type_hints(handler, include_extras=True)["return"]
        # r201[CreatorView] → 201 and CreatorView
        return int(get_origin(annotation).__name__.removeprefix("r")), get_args(annotation)[0]

    def of(self, path: str, method: str) -> tuple[int, Schema]:
        """Status and envelope."""
        status, answer = self._types[path, method]
        return status, self._envelope(answer)

    def _envelope(self, answer: Any) -> Schema:
        properties: Schema = {"success": {"const": True}}
        if get_origin(answer) is list:
            properties["data"] = self._list(get_args(answer)[0])
        elif issubclass(answer, InboxPage):
            properties["data"] = self._list(_item_of(answer.model_fields["page"].annotation))
            properties["pagination"] = ref("schemas", "Pagination")
            properties["metadata"] = self._reference(answer.model_fields["state"].annotation)
        elif issubclass(answer, Page):
            properties["data"] = self._list(_item_of(answer))
            properties["pagination"] = ref("schemas", "Pagination")
        else:
            properties["data"] = self._reference(answer)
        return {"type": "object", "required": list(properties), "properties": properties}

    def _list(self, model: Any) -> Schema:
        return {"type": "array", "items": self._reference(model)}

    def _reference(self, model: Any) -> Schema:
        return self._references[model, "serialization"]


def _models_in(answer: Any) -> list[type[BaseModel]]:
    if get_origin(answer) is list:
        return [get_args(answer)[0]]
    if issubclass(answer, InboxPage):
        return [_item_of(answer.model_fields["page"].annotation), answer.model_fields["state"].annotation]
    return [_item_of(answer)] if issubclass(answer, Page) else [answer]


def _item_of(page: Any) -> type[BaseModel]:
    item: type[BaseModel] = get_args(page.model_fields["items"].annotation)[0]
    return item


def _named_in(paths: Schema, schemas: Schema) -> set[str]:
    """Names of the schemas that the paths lead to. The generator leaves others, with names that 3.1 refuses."""
    found: set[str] = set()
    waiting: list[Any] = [paths]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def _complete(operation: Schema, path: str, method: str, view: type[ApiView], answers: _Answers) -> None:
    rules = rules_of_method(view, method.upper())
    if rules is None:
        raise RuntimeError(f"{method.upper()} {path} has no rules")
    summary, _, rest = (inspect.getdoc(getattr(view, method)) or "").partition("\n")
    operation["operationId"] = rules.operation_id
    operation["tags"] = [rules.tag]
    operation["summary"] = summary.rstrip(".")
    operation["description"] = "\n\n".join(part for part in (rest.strip(), _who(rules)) if part)
    operation["security"] = _security(rules)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        content = operation["requestBody"]["content"]["application/json"]
        content["example"] = BODIES[rules.operation_id]
    _mend_parameters(operation, rules)
    status, envelope = answers.of(path, method)
    headers = {name: ref("headers", name) for name in ("X-Request-ID", *RATE_HEADERS)}
    if rules.idempotent:
        headers["Idempotency-Replayed"] = ref("headers", "Idempotency-Replayed")
    operation["responses"] = {
        str(status): {
            "description": summary,
            "headers": headers,
            "content": {"application/json": {"schema": envelope}},
        },
        **_failures(rules, has_id="{" in path, has_body=method.upper() in UNSAFE),
    }


def _mend_parameters(operation: Schema, rules: Rules) -> None:
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        schema = parameter["schema"]
        schema.pop("title", None)
        if parameter["in"] != "query":
            continue
        # an absent query field is how null is said: "null" as text is a value like any other
        variants = [variant for variant in schema.pop("anyOf", []) if variant != {"type": "null"}]
        for variant in variants:
            schema.update(variant)
        if schema.get("default", ...) is None:
            del schema["default"]
    if rules.idempotent:
        parameters.append(ref("parameters", "IdempotencyKey"))
    if not parameters:
        del operation["parameters"]


def _who(rules: Rules) -> str:
    texts = {
        Access.USER: f"For sessions, and for keys with the scope `{rules.scope}`.",
        Access.SESSION: "For sessions only, not for keys.",
        Access.PUBLIC: "For anyone; what it shows may depend on who asks.",
        Access.OPEN: "For anyone.",
    }
    limits = [GENERAL, *([rules.limit] if rules.limit else [])]
    return f"{texts[rules.access]} Limits: {', '.join(f'`{limit}`' for limit in limits)}."


def _security(rules: Rules) -> list[dict[str, list[str]]]:
    bearer: dict[str, list[str]] = {"bearer": []}
    key: dict[str, list[str]] = {"apiKey": []}
    return {
        Access.USER: [bearer, key],
        Access.SESSION: [bearer],
        Access.PUBLIC: [{}, bearer, key],
        Access.OPEN: [],
    }[rules.access]


def _failures(rules: Rules, *, has_id: bool, has_body: bool) -> Schema:
    codes = {Code.INVALID, Code.RATE_LIMITED, Code.INTERNAL, Code.UNAVAILABLE, *rules.errors}
    if rules.access is not Access.OPEN:
        codes.add(Code.UNAUTHENTICATED)
    if rules.access in (Access.USER, Access.SESSION):
        codes.add(Code.FORBIDDEN)
    if has_id:
        codes.add(Code.NOT_FOUND)
    if has_body:
        codes.add(Code.TOO_LARGE)
    if rules.idempotent:
        codes.update((Code.CONFLICT, Code.CID_REUSED))
    by_status: dict[int, list[Code]] = {}
    for code in Code:
        if code in codes:
            by_status.setdefault(code.status, []).append(code)
    return {str(status): _failure(found) for status, found in sorted(by_status.items())}


def _failure(codes: list[Code]) -> Schema:
    headers = {"X-Request-ID": ref("headers", "X-Request-ID")}
    if any(code.retryable or code is Code.CONFLICT for code in codes):
        headers["Retry-After"] = ref("headers", "Retry-After")
    if codes[0].status == 401:
        headers["WWW-Authenticate"] = ref("headers", "WWW-Authenticate")
    if codes[0].status == 429:
        headers.update({name: ref("headers", name) for name in RATE_HEADERS})
    return {
        "description": codes_table(codes),
        "headers": headers,
        "content": {
            "application/json": {
                "schema": ref("schemas", "Failure"),
                "examples": {
                    code.name: {"value": {"success": False, "error": {"code": code.name, "message": code.text}}}
                    for code in codes
                },
            }
        },
    }
