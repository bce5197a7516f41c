"""Requests made from the OpenAPI document, good and bad ones: no answer may contradict it, none may be an incident."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok

from tests.handlers.conftest import Rest

EXAMPLES = 8  # requests of each kind for each operation; the whole server is fuzzed longer elsewhere
# These could end the session that asks, and all later answers would be 401.
LEFT_OUT = {"logOut", "endMySession"}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
]


async def test_no_request_contradicts_the_document(rest: Rest) -> None:
    fan = await rest.register("alice")
    document = await (await rest.client.get("/api/docs/spec")).json()
    base = str(rest.client.make_url("/"))[:-1]
    # in a thread: schemathesis asks with blocking calls, and the server needs this loop
    await asyncio.to_thread(_fuzz, document, base, fan.headers)
    assert rest.incidents == []
    assert (await rest.call("GET", "/users/me", headers=fan.headers))[0] == 200
    answered = _answered(rest)
    assert sum(count for status, count in answered.items() if status < 300) > 25
    assert answered[400] > 25
    assert answered[401] < 40, 'most requests must pass the door'


def _answered(rest: Rest) -> Counter[int]:
    """How many answers of each status there were."""
    counted: Counter[int] = Counter()
    for metric in rest.parts.metrics.http_requests.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                counted[int(sample.labels["status"])] += int(sample.value)
    return counted


def _fuzz(document: dict[str, Any], base: str, headers: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_dict(document)
    # made-up keys beside the true token would turn every answer into 401
    schema.config.generation.update(with_security_parameters=False)
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.definition.raw["operationId"] in LEFT_OUT:
            continue
        kinds = [operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)]
        if operation.body or operation.query or operation.path_parameters:
            kinds.append(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
        _run(st.one_of(kinds), base, headers)
        tried += 1
    assert tried > 20


def _run(cases: Any, base: str, headers: dict[str, str]) -> None:
    @seed(20260101)
    @settings(
        max_examples=2 * EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=base, headers=headers, checks=CHECKS)

    ask()
