"""Sessions: rotation, reuse, races, ends, and what the sockets hear of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from mypick.accounts import sessions as sessions_module
from mypick.accounts.commands import EndSession, Refresh
from mypick.accounts.device import Device
from mypick.accounts.models import RefreshToken, Session
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.accounts.views import Authentication
from mypick.errors import Code, DomainError
from tests.accounts.conftest import DEVICE, Identify, LogInAs, Refused
from tests.accounts.fakes import Listener, MemoryCache, MemoryLimits
from tests.fakes import FakeClock


async def refresh(accounts: Accounts, pair: Authentication, device: Device = DEVICE) -> Authentication:
    return await accounts.refresh(Refresh(refresh_token=pair.refresh_token), device)


async def test_a_refresh_gives_a_new_pair_of_the_same_session(
    accounts: Accounts, alice: Authentication, actor_of: Identify, clock: FakeClock
) -> None:
    clock.advance(3600)  # the access token is over, the session is not
    second = await refresh(accounts, alice)
    assert second.refresh_token != alice.refresh_token
    assert second.user == alice.user
    third = await refresh(accounts, second)
    assert (await actor_of(third)).session_id == (await actor_of(second)).session_id


async def test_no_token_is_stored_in_clear(accounts: Accounts, alice: Authentication) -> None:
    rows = await RefreshToken.all().values()
    assert rows
    assert alice.refresh_token not in str(rows)


async def test_reuse_of_an_old_token_ends_the_whole_family(
    accounts: Accounts,
    alice: Authentication,
    log_in: LogInAs,
    actor_of: Identify,
    listener: Listener,
    refused: Refused,
) -> None:
    elsewhere = await log_in()
    family = (await actor_of(alice)).session_id
    newest = await refresh(accounts, alice)
    with refused(Code.UNAUTHENTICATED) as failure:
        await refresh(accounts, alice)
    assert "used before" in failure.value.message
    # the end was committed although the call failed
    assert (await Session.get(id=family)).end_reason == "reuse"
    assert listener.heard == [(alice.user.id, family, "reuse")]
    with refused(Code.UNAUTHENTICATED):
        await refresh(accounts, newest)
    with refused(Code.UNAUTHENTICATED):
        await actor_of(newest)
    await actor_of(await refresh(accounts, elsewhere))  # another log-in is another family


async def test_a_token_from_many_rotations_ago_still_ends_the_family(
    accounts: Accounts, alice: Authentication, actor_of: Identify, refused: Refused
) -> None:
    newest = alice
    for _ in range(4):
        newest = await refresh(accounts, newest)
    session_id = (await actor_of(newest)).session_id
    assert await RefreshToken.filter(session_id=session_id).count() == 2  # the store does not grow with rotations
    with refused(Code.UNAUTHENTICATED):
        await refresh(accounts, alice)
    with refused(Code.UNAUTHENTICATED):
        await actor_of(newest)


async def test_of_two_refreshes_at_once_one_wins_and_the_family_ends(
    accounts: Accounts, alice: Authentication, actor_of: Identify, listener: Listener, refused: Refused
) -> None:
    session_id = (await actor_of(alice)).session_id
    answers = await asyncio.gather(*(refresh(accounts, alice) for _ in range(2)), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, Authentication)]
    lost = [answer.code for answer in answers if isinstance(answer, DomainError)]
    assert (len(won), lost) == (1, [Code.UNAUTHENTICATED])
    assert listener.heard == [(alice.user.id, session_id, "reuse")]
    with refused(Code.UNAUTHENTICATED):
        await refresh(accounts, won[0])


async def test_many_refreshes_at_once_end_the_family_once(
    accounts: Accounts, alice: Authentication, listener: Listener
) -> None:
    answers = await asyncio.gather(*(refresh(accounts, alice) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, Authentication) for answer in answers) == 1
    assert sum(isinstance(answer, DomainError) for answer in answers) == 7
    assert len(listener.heard) == 1


async def test_an_access_token_does_not_refresh(
    accounts: Accounts, alice: Authentication, refused: Refused
) -> None:
    with refused(Code.UNAUTHENTICATED):
        await accounts.refresh(Refresh(refresh_token=alice.access_token), DEVICE)


async def test_a_forged_family_member_of_another_user_changes_nothing(
    accounts: Accounts,
    alice: Authentication,
    bob: Authentication,
    tokens: Tokens,
    actor_of: Identify,
    refused: Refused,
) -> None:
    alices = (await actor_of(alice)).session_id
    assert alices is not None
    mixed = tokens.issue_refresh(user_id=bob.user.id, session_id=alices, role="fan")
    with refused(Code.UNAUTHENTICATED):
        await accounts.refresh(Refresh(refresh_token=mixed), DEVICE)
    mixed = tokens.issue_access(user_id=bob.user.id, session_id=alices, role="admin")
    with refused(Code.UNAUTHENTICATED):
        await accounts.authenticate(mixed)
    await actor_of(alice)


async def test_a_session_lives_on_while_it_is_used_and_ends_when_it_is_not(
    accounts: Accounts, alice: Authentication, clock: FakeClock, refused: Refused
) -> None:
    pair = alice
    for _ in range(3):
        clock.advance(29 * 86_400)
        pair = await refresh(accounts, pair)
    clock.advance(30 * 86_400)
    with refused(Code.UNAUTHENTICATED) as failure:
        await refresh(accounts, pair)
    assert "expired" in failure.value.message


async def test_refreshes_are_throttled(
    accounts: Accounts, alice: Authentication, limits: MemoryLimits, refused: Refused
) -> None:
    limits.allowed["auth.refresh"] = 1
    pair = await refresh(accounts, alice)
    with refused(Code.RATE_LIMITED):
        await refresh(accounts, pair)


async def test_log_out_ends_this_session_alone_and_twice_is_no_error(
    accounts: Accounts,
    alice: Authentication,
    log_in: LogInAs,
    actor_of: Identify,
    listener: Listener,
    refused: Refused,
) -> None:
    other = await log_in()
    actor = await actor_of(alice)
    for _ in range(2):
        await accounts.log_out(actor)
    assert listener.heard == [(alice.user.id, actor.session_id, "logout")]
    with refused(Code.UNAUTHENTICATED):
        await actor_of(alice)
    with refused(Code.UNAUTHENTICATED):
        await refresh(accounts, alice)
    await actor_of(other)


async def test_sessions_are_listed_with_their_devices(
    accounts: Accounts,
    alice: Authentication,
    bob: Authentication,
    log_in: LogInAs,
    actor_of: Identify,
    clock: FakeClock,
) -> None:
    clock.advance(60)
    phone = await log_in(device=Device("Safari\x00 on\r\niPhone\udc80" + "x" * 300, "2001:db8::1"))
    listed = await accounts.sessions.list(await actor_of(alice))
    assert [session.current for session in listed] == [False, True]
    assert listed[0].id == (await actor_of(phone)).session_id
    assert listed[0].user_agent.startswith("Safari\ufffd on\ufffd\ufffdiPhone\ufffd")
    assert len(listed[0].user_agent) == 200
    assert listed[0].address == "2001:db8::1"
    assert listed[0].model_dump()["created_at"] == "2026-01-01T12:01:00.000Z"
    clock.advance(60)
    await refresh(accounts, alice, Device("Firefox on Linux", "198.51.100.9"))
    first = (await accounts.sessions.list(await actor_of(alice)))[0]
    assert (first.current, first.address) == (True, "198.51.100.9")
    assert first.last_used_at - first.created_at == timedelta(minutes=2)


async def test_ending_a_session_closes_it_and_only_its_owner_can(
    accounts: Accounts,
    alice: Authentication,
    bob: Authentication,
    log_in: LogInAs,
    actor_of: Identify,
    listener: Listener,
    refused: Refused,
) -> None:
    actor = await actor_of(alice)
    phone = await log_in()
    session_id = (await actor_of(phone)).session_id
    assert session_id is not None
    command = EndSession(session_id=session_id)
    with refused(Code.NOT_FOUND):
        await accounts.sessions.end(await actor_of(bob), command)
    with refused(Code.NOT_FOUND):
        await accounts.sessions.end(actor, EndSession(session_id=2**63 - 1))
    await actor_of(phone)
    for _ in range(2):
        await accounts.sessions.end(actor, command)
    assert listener.heard == [(alice.user.id, session_id, "ended")]
    with refused(Code.UNAUTHENTICATED):
        await actor_of(phone)
    assert [session.id for session in await accounts.sessions.list(actor)] == [actor.session_id]


async def test_all_others_end_at_once(
    accounts: Accounts, alice: Authentication, log_in: LogInAs, actor_of: Identify, listener: Listener
) -> None:
    others = {(await actor_of(await log_in())).session_id for _ in range(3)}
    actor = await actor_of(alice)
    assert await accounts.sessions.end_all_others(actor) == 3
    assert {session_id for _, session_id, _ in listener.heard} == others
    assert await accounts.sessions.end_all_others(actor) == 0
    await actor_of(alice)


async def test_beyond_the_most_sessions_the_one_unused_longest_makes_room(
    accounts: Accounts,
    alice: Authentication,
    log_in: LogInAs,
    actor_of: Identify,
    clock: FakeClock,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    refused: Refused,
) -> None:
    monkeypatch.setattr(sessions_module, "MAXIMUM", 3)
    clock.advance(1)
    unused = await log_in()
    unused_id = (await actor_of(unused)).session_id
    clock.advance(1)
    alice = await refresh(accounts, alice)
    for _ in range(2):
        clock.advance(1)
        await log_in()
    assert listener.heard == [(alice.user.id, unused_id, "displaced")]
    with refused(Code.UNAUTHENTICATED):
        await actor_of(unused)
    assert len(await accounts.sessions.list(await actor_of(alice))) == 3


async def test_a_deaf_listener_does_not_keep_a_session_alive(
    accounts: Accounts, alice: Authentication, actor_of: Identify, listener: Listener, refused: Refused
) -> None:
    listener.fails = True
    await accounts.log_out(await actor_of(alice))
    with refused(Code.UNAUTHENTICATED):
        await actor_of(alice)


async def test_with_a_cache_authentication_asks_once_and_an_end_is_seen_at_once(
    alice: Authentication,
    clock: FakeClock,
    tokens: Tokens,
    passwords: Passwords,
    limits: MemoryLimits,
    listener: Listener,
    refused: Refused,
) -> None:
    cache = MemoryCache(clock)
    cached = Accounts(clock, tokens, passwords, limits, listener, cache)
    actors = [await cached.authenticate(alice.access_token) for _ in range(10)]
    assert cache.loads == 1
    await cached.log_out(actors[0])
    with refused(Code.UNAUTHENTICATED):
        await cached.authenticate(alice.access_token)


async def test_dead_sessions_are_purged_with_their_tokens_after_a_while(
    accounts: Accounts, alice: Authentication, bob: Authentication, actor_of: Identify, clock: FakeClock
) -> None:
    ended, live = (await actor_of(alice)).session_id, (await actor_of(bob)).session_id
    await accounts.log_out(await actor_of(alice))
    assert await accounts.sessions.purge() == 0
    pair = bob
    for _ in range(2):
        clock.advance(20 * 86_400)
        pair = await refresh(accounts, pair)
    assert await accounts.sessions.purge() == 1
    assert not await Session.exists(id=ended)
    assert not await RefreshToken.exists(session_id=ended)
    assert await Session.exists(id=live)
    await refresh(accounts, pair)
