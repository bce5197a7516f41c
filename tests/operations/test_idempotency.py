"""Claims and answers on every dialect: the unique index decides."""

from __future__ import annotations

import asyncio

import pytest

from mypick.db import Database
from mypick.errors import Code, DomainError
from mypick.operations.idempotency import LEASE, Answer, Claim, Idempotency, is_final, payload_hash
from tests.fakes import FakeClock

PAYLOAD = payload_hash("POST", "/api/v1/creators", b"{}")


@pytest.fixture
def store(database: Database, clock: FakeClock) -> Idempotency:
    return Idempotency(clock)


async def claimed(store: Idempotency, key: str = "k") -> Claim:
    claim = await store.claim(1, key, PAYLOAD)
    assert isinstance(claim, Claim)
    return claim


async def test_of_many_claims_at_once_one_wins(store: Idempotency) -> None:
    outcomes = await asyncio.gather(*(store.claim(1, "k", PAYLOAD) for _ in range(8)), return_exceptions=True)
    refused = [outcome.code for outcome in outcomes if isinstance(outcome, DomainError)]
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert refused == [Code.CONFLICT] * 7


async def test_of_many_successors_at_once_one_wins(store: Idempotency, clock: FakeClock) -> None:
    await claimed(store)
    clock.advance(LEASE.total_seconds())
    outcomes = await asyncio.gather(*(store.claim(1, "k", PAYLOAD) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 7


async def test_a_kept_answer_comes_back_whole(store: Idempotency, clock: FakeClock) -> None:
    answer = Answer(201, '{"success":true,"data":"뉴스 \\u0001 🎉"}')
    assert await store.keep(await claimed(store), answer)
    clock.advance(LEASE.total_seconds() * 10)
    assert await store.claim(1, "k", PAYLOAD) == answer


async def test_an_answer_that_comes_after_the_lease_is_kept_unless_taken_over(
    store: Idempotency, clock: FakeClock
) -> None:
    late = await claimed(store)
    clock.advance(LEASE.total_seconds() + 1)
    assert await store.keep(late, Answer(200, "{}"))
    taken = await claimed(store, "other")
    clock.advance(LEASE.total_seconds() + 1)
    successor = await claimed(store, "other")
    assert not await store.keep(taken, Answer(200, "late"))
    await store.free(taken)
    assert await store.keep(successor, Answer(200, "successor"))
    assert await store.claim(1, "other", PAYLOAD) == Answer(200, "successor")


async def test_a_freed_key_is_new(store: Idempotency) -> None:
    await store.free(await claimed(store))
    assert isinstance(await store.claim(1, "k", payload_hash("POST", "/other", b"")), Claim)


async def test_keys_that_differ_by_case_are_two(store: Idempotency) -> None:
    await claimed(store, "key")
    await claimed(store, "KEY")


async def test_another_payload_is_refused_in_every_state(store: Idempotency) -> None:
    claim = await claimed(store)
    other = payload_hash("POST", "/api/v1/creators", b"{ }")
    with pytest.raises(DomainError) as refused:
        await store.claim(1, "k", other)
    assert refused.value.code is Code.CID_REUSED
    await store.keep(claim, Answer(200, "{}"))
    with pytest.raises(DomainError) as refused:
        await store.claim(1, "k", other)
    assert refused.value.code is Code.CID_REUSED


def test_only_what_stands_is_final() -> None:
    assert all(is_final(status) for status in (200, 201, 204, 400, 403, 404, 410, 413))
    assert not any(is_final(status) for status in (301, 401, 408, 409, 429, 500, 502, 503))
