"""Token buckets: the rule, and both places where they are kept."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.bounded_redis import BoundedRedis
from mypick.errors import Code, DomainError
from mypick.limits import DEFAULT_LIMITS, GENERAL, Allowance, Limit, Limits, MemoryBuckets, Per, Rate
from mypick.metrics import Metrics
from tests.fakes import FakeClock
from tests.servers import RedisServer

TABLE = {
    GENERAL: Limit(Rate(100, 60), Per.USER, "anything"),
    "slow": Limit(Rate(3, 3_600), Per.USER, "three an hour"),
    "door": Limit(Rate(3, 3_600), Per.ADDRESS, "three an hour from a place"),
    "both": Limit(Rate(3, 3_600), Per.BOTH, "three an hour, whoever and wherever"),
    "fast": Limit(Rate(6, 1), Per.USER, "six a second: 1/6 s is no whole number of microseconds"),
}


async def refusal(limits: Limits, name: str, user_id: int | None = 1, address: str | None = "192.0.2.1") -> DomainError:
    with pytest.raises(DomainError) as caught:
        await limits.spend(name, user_id=user_id, address=address)
    assert caught.value.code is Code.RATE_LIMITED
    return caught.value


@pytest.fixture(params=["memory", "redis"])
def limits(request: pytest.FixtureRequest, clock: FakeClock) -> Limits:
    redis = request.getfixturevalue("bounded_redis") if request.param == "redis" else None
    return Limits(clock=clock, redis=redis, limits=TABLE)


async def spend(limits: Limits, name: str, user_id: int | None = 1, address: str | None = "192.0.2.1") -> Allowance:
    return await limits.spend(name, user_id=user_id, address=address)


async def test_the_whole_bucket_can_be_spent_at_once_and_then_the_exact_wait_is_told(limits: Limits) -> None:
    left = [(await spend(limits, "slow")).remaining for _ in range(3)]
    assert left == [2, 1, 0]
    refused = await refusal(limits, "slow")
    assert refused.retry_after_ms == pytest.approx(1_200_000, abs=5_000)  # one token of three in an hour
    assert refused.details == {"limit": "slow", "amount": 3, "seconds": 3_600}


async def test_every_token_can_be_spent_whatever_its_fraction_of_a_second(limits: Limits) -> None:
    for _ in range(6):
        await spend(limits, "fast")
    await refusal(limits, "fast")


async def test_users_have_their_own_buckets_wherever_they_are(limits: Limits) -> None:
    for user in (1, 2):
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            await spend(limits, "slow", user, address)
        await refusal(limits, "slow", user, "192.0.2.4")


async def test_who_is_not_known_is_counted_by_address(limits: Limits) -> None:
    for _ in range(3):
        await spend(limits, "slow", None)
    await refusal(limits, "slow", None)
    await spend(limits, "slow", 1)
    await spend(limits, "slow", None, "192.0.2.2")


async def test_a_place_is_counted_whoever_comes_from_it(limits: Limits) -> None:
    for user in (1, 2, None):
        await spend(limits, "door", user)
    await refusal(limits, "door", 3)


async def test_one_household_of_ipv6_is_one_place(limits: Limits) -> None:
    for address in ("2001:db8:0:7::1", "2001:db8:0:7::2", "2001:db8:0:7:1:2:3:4"):
        await spend(limits, "door", None, address)
    await refusal(limits, "door", None, "2001:db8:0:7:ffff::9")
    await spend(limits, "door", None, "2001:db8:0:8::1")
    for _ in range(3):
        await spend(limits, "door", None, "::ffff:192.0.2.9")
    await refusal(limits, "door", None, "192.0.2.9")


async def test_where_both_count_the_one_that_is_refused_costs_the_other_nothing(limits: Limits) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        await spend(limits, "both", 1, address)
    for _ in range(5):
        await refusal(limits, "both", 1, "192.0.2.9")
    for user in (2, 3, 4):
        await spend(limits, "both", user, "192.0.2.9")
    await refusal(limits, "both", 5, "192.0.2.9")


async def test_a_cost_takes_so_many_and_more_than_all_is_all(limits: Limits) -> None:
    assert (await limits.spend("slow", user_id=1, address=None, cost=2)).remaining == 1
    with pytest.raises(DomainError):
        await limits.spend("slow", user_id=1, address=None, cost=2)
    assert (await limits.spend("slow", user_id=1, address=None)).remaining == 0
    assert (await limits.spend("slow", user_id=2, address=None, cost=99)).remaining == 0


async def test_refunded_tokens_can_be_spent_again(limits: Limits) -> None:
    for _ in range(3):
        await spend(limits, "both")
    await limits.refund("both", user_id=1, address="192.0.2.1", cost=2)
    assert (await spend(limits, "both")).remaining == 1
    await limits.refund("both", user_id=1, address="192.0.2.1", cost=99)
    assert (await spend(limits, "both")).remaining == 2  # never more than a full bucket


async def test_reset_fills_the_bucket(limits: Limits) -> None:
    for _ in range(3):
        await spend(limits, "both")
    await limits.reset("both", user_id=1, address="192.0.2.1")
    assert (await spend(limits, "both")).remaining == 2


async def test_at_once_is_no_way_around(limits: Limits) -> None:
    results = await asyncio.gather(*(spend(limits, "slow") for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Allowance) for result in results) == 3


async def test_calls_from_inside_are_not_counted(limits: Limits) -> None:
    for _ in range(10):
        assert (await spend(limits, "slow", None, None)).remaining == 3
        assert (await spend(limits, "door", 1, None)).remaining == 3


async def test_an_unknown_name_is_a_fault_of_the_program(limits: Limits) -> None:
    with pytest.raises(KeyError):
        await spend(limits, "no such")


async def test_tokens_come_back_evenly(clock: FakeClock) -> None:
    limits = Limits(clock=clock, limits=TABLE)
    for _ in range(3):
        await spend(limits, "slow")
    clock.advance(1_199)
    await refusal(limits, "slow")
    clock.advance(1)
    assert (await spend(limits, "slow")).reset_after_s == pytest.approx(3_600)
    await refusal(limits, "slow")
    clock.advance(10_000)
    assert (await spend(limits, "slow")).remaining == 2


async def test_nodes_share_their_buckets_and_count_alone_while_redis_is_away(
    redis_server: RedisServer, bounded_redis: BoundedRedis, clock: FakeClock
) -> None:
    metrics = Metrics.unread()
    one = Limits(clock=clock, redis=bounded_redis, limits=TABLE, metrics=metrics)
    other = Limits(clock=clock, redis=bounded_redis, limits=TABLE)
    await spend(one, "slow")
    assert (await spend(other, "slow")).remaining == 1
    redis_server.kill()
    assert [(await spend(one, "slow")).remaining for _ in range(3)] == [2, 1, 0]
    await refusal(one, "slow")
    assert metrics.registry.get_sample_value("mypick_limits_local_total") == 4
    assert metrics.registry.get_sample_value("mypick_limits_refused_total", {"limit": "slow"}) == 1
    redis_server.start()
    async with asyncio.timeout(10):
        while bounded_redis.away:
            await spend(one, "fast", 99)
            clock.advance(1)
            await asyncio.sleep(0.01)
    assert (await spend(one, "slow")).remaining == 2  # the restarted Redis knows nothing
    assert (await spend(other, "slow")).remaining == 1  # and they share again


async def test_memory_is_bounded_and_forgets_the_longest_unused(clock: FakeClock) -> None:
    buckets = MemoryBuckets(clock, max_keys=100)
    for number in range(1_000):
        buckets.spend([f"k{number}", "busy"], 1.0, 5_000.0)
    assert len(buckets) == 100
    assert buckets.spend(["busy"], 1.0, 5_000.0) == (True, 1_001.0)


def test_settings_change_rates_and_refuse_names_that_do_not_exist(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match=r"no rate limit \"auth\.logn\".*auth\.login"):
        Limits(clock=clock, overrides={"auth.logn": "5/5m"})
    with pytest.raises(ValueError, match=r"RATE_LIMITS: auth\.login\.address: .*amount/time"):
        Limits(clock=clock, overrides={"auth.login.address": "often"})


async def test_overrides_and_the_general_limit_hold(clock: FakeClock) -> None:
    limits = Limits(clock=clock, overrides={"auth.login.address": "1/5m"}, general=Rate(2, 60))
    assert (await spend(limits, "auth.login.address")).limit == 1
    await refusal(limits, "auth.login.address")
    assert (await spend(limits, GENERAL)).limit == 2


@pytest.mark.parametrize(
    ("text", "rate"),
    [("5/5m", Rate(5, 300)), ("20/1s", Rate(20, 1)), ("100/h", Rate(100, 3_600)), (" 1 / 2 d ", Rate(1, 172_800))],
)
def test_rates_are_read(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "5", "0/1s", "5/0s", "5/5", "5/5y", "-1/1s", "5/5m;6/1h", "1e3/1s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        Rate.parse(text)


def test_every_default_is_explained() -> None:
    assert all(limit.meaning for limit in DEFAULT_LIMITS.values())


@given(
    amount=st.integers(1, 20),
    seconds=st.integers(1, 100),
    steps=st.lists(st.tuples(st.floats(0, 50), st.integers(1, 20)), max_size=40),
)
def test_a_bucket_behaves_as_one_that_is_counted_token_by_token(
    amount: int, seconds: int, steps: list[tuple[float, int]]
) -> None:
    clock = FakeClock()
    buckets, rate, tokens = MemoryBuckets(clock), Rate(amount, seconds), float(amount)
    for pause, cost in steps:
        clock.advance(pause)
        tokens = min(amount, tokens + pause / rate.seconds_each)
        cost = min(cost, amount)
        if abs(tokens - cost) < 1e-6:
            continue  # the two count fractions differently in the last digit
        done, wait_s = buckets.spend(["k"], cost * rate.seconds_each, seconds)
        assert done == (tokens >= cost)
        if done:
            tokens -= cost
            assert wait_s == pytest.approx((amount - tokens) * rate.seconds_each, abs=1e-5)
        else:
            assert wait_s == pytest.approx((cost - tokens) * rate.seconds_each, abs=1e-5)
