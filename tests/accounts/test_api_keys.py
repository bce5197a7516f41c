"""API keys: shown once, hashed, scoped, revocable, bounded."""

from __future__ import annotations

import asyncio
import re

import pytest

from mypick.accounts.actor import Actor
from mypick.accounts.api_keys import MAXIMUM
from mypick.accounts.commands import (
    ChangePassword,
    CreateApiKey,
    EndSession,
    RevokeApiKey,
    SetRole,
    UpdateProfile,
    UpdateSettings,
)
from mypick.accounts.models import ApiKey
from mypick.accounts.passwords import Passwords
from mypick.accounts.scopes import Scope
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.accounts.views import Authentication, NewApiKey
from mypick.errors import Code, DomainError
from tests.accounts.conftest import PASSWORD, Identify, Refused
from tests.accounts.fakes import Listener, MemoryCache, MemoryLimits
from tests.fakes import FakeClock


@pytest.fixture
async def actor(alice: Authentication, actor_of: Identify) -> Actor:
    return await actor_of(alice)


async def create(accounts: Accounts, actor: Actor, *scopes: Scope) -> NewApiKey:
    return await accounts.keys.create(actor, CreateApiKey(name="my program", scopes=list(scopes or ("read",))))


async def test_a_key_acts_for_its_owner_within_its_scopes(accounts: Accounts, actor: Actor) -> None:
    key = await create(accounts, actor, "read", "subscriptions:write")
    program = await accounts.authenticate_key(key.key)
    assert (program.user_id, program.role) == (actor.user_id, "fan")
    assert (program.session_id, program.expires_at) == (None, None)
    assert program.has_scope("read")
    assert not program.has_scope("profile:write")


async def test_a_key_is_shown_once_and_stored_hashed(accounts: Accounts, actor: Actor) -> None:
    key = await create(accounts, actor)
    assert re.fullmatch(rf"mpk_{key.prefix}_[A-Za-z0-9_-]{{43}}", key.key)
    listed = await accounts.keys.list(actor)
    assert [(one.id, one.name, one.prefix, one.scopes) for one in listed] == [
        (key.id, "my program", key.prefix, ["read"])
    ]
    secret = key.key.removeprefix(f"mpk_{key.prefix}_")
    assert secret not in str(listed)
    assert secret not in str(await ApiKey.all().values())
    assert secret not in repr(key)


async def test_use_is_noted(accounts: Accounts, actor: Actor, clock: FakeClock) -> None:
    key = await create(accounts, actor)
    assert (await accounts.keys.list(actor))[0].last_used_at is None
    clock.advance(90)
    await accounts.authenticate_key(key.key)
    assert (await accounts.keys.list(actor))[0].last_used_at == clock.now()


async def test_a_revoked_key_opens_nothing(accounts: Accounts, actor: Actor, refused: Refused) -> None:
    key, other = await create(accounts, actor), await create(accounts, actor)
    for _ in range(2):
        await accounts.keys.revoke(actor, RevokeApiKey(key_id=key.id))
    with refused(Code.UNAUTHENTICATED):
        await accounts.authenticate_key(key.key)
    assert [one.id for one in await accounts.keys.list(actor)] == [other.id]
    await accounts.authenticate_key(other.key)


async def test_a_key_is_its_owners_business(
    accounts: Accounts, actor: Actor, bob: Authentication, actor_of: Identify, refused: Refused
) -> None:
    key = await create(accounts, actor)
    stranger = await actor_of(bob)
    with refused(Code.NOT_FOUND):
        await accounts.keys.revoke(stranger, RevokeApiKey(key_id=key.id))
    assert await accounts.keys.list(stranger) == []
    await accounts.authenticate_key(key.key)


async def test_what_is_no_key_is_refused(accounts: Accounts, actor: Actor, refused: Refused) -> None:
    key = (await create(accounts, actor)).key
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    for bad in (changed, key[:-1], key + "A", key.upper(), key + "\n", "", "mpk_", None, 7, "x" * 1_000_000, "\ud800"):
        with refused(Code.UNAUTHENTICATED):
            await accounts.authenticate_key(bad)


async def test_there_is_a_most_of_keys_also_for_many_at_once(
    accounts: Accounts, actor: Actor, refused: Refused
) -> None:
    # many at once first, so that each of the last ones finds a connection open and none is late
    keys = await asyncio.gather(*(create(accounts, actor) for _ in range(MAXIMUM - 1)))
    answers = await asyncio.gather(*(create(accounts, actor) for _ in range(6)), return_exceptions=True)
    assert [answer.code for answer in answers if isinstance(answer, DomainError)] == [Code.FULL] * 5
    assert len(await accounts.keys.list(actor)) == MAXIMUM
    await accounts.keys.revoke(actor, RevokeApiKey(key_id=keys[0].id))
    await create(accounts, actor)


async def test_revoked_keys_do_not_pile_up(accounts: Accounts, actor: Actor) -> None:
    for _ in range(MAXIMUM + 5):
        key = await create(accounts, actor)
        await accounts.keys.revoke(actor, RevokeApiKey(key_id=key.id))
    assert await ApiKey.all().count() <= MAXIMUM + 1


async def test_no_key_touches_what_guards_the_account(
    accounts: Accounts, actor: Actor, refused: Refused
) -> None:
    await accounts.profiles.grant_role(actor.user_id, "admin")
    key = await create(accounts, actor, "read", "profile:write")
    program = await accounts.authenticate_key(key.key)
    assert program.role == "admin"
    assert actor.session_id is not None
    for attempt in (
        accounts.keys.create(program, CreateApiKey(name="more", scopes=["community:write"])),
        accounts.keys.list(program),
        accounts.keys.revoke(program, RevokeApiKey(key_id=key.id)),
        accounts.sessions.end(program, EndSession(session_id=actor.session_id)),
        accounts.sessions.end_all_others(program),
        accounts.log_out(program),
        accounts.change_password(program, ChangePassword(current_password=PASSWORD, new_password="q" + PASSWORD)),
        accounts.profiles.set_role(program, SetRole(user_id=actor.user_id, role="admin")),
    ):
        with refused(Code.FORBIDDEN):
            await attempt


@pytest.mark.parametrize("scope", ["read", "profile:write"])
async def test_a_scope_opens_its_own_doors_alone(
    accounts: Accounts, actor: Actor, refused: Refused, scope: Scope
) -> None:
    program = await accounts.authenticate_key((await create(accounts, actor, scope)).key)
    reading = (
        lambda: accounts.profiles.me(program),
        lambda: accounts.profiles.settings(program),
        lambda: accounts.sessions.list(program),
    )
    writing = (
        lambda: accounts.profiles.update(program, UpdateProfile(locale="ko")),
        lambda: accounts.profiles.update_settings(program, UpdateSettings(sounds=False)),
    )
    opened, closed = (reading, writing) if scope == "read" else (writing, reading)
    for door in opened:
        await door()
    for door in closed:
        with refused(Code.FORBIDDEN) as failure:
            await door()
        assert failure.value.details == {"scope": "profile:write" if scope == "read" else "read"}


async def test_with_a_cache_a_key_is_asked_for_once_and_revocation_is_seen_at_once(
    alice: Authentication,
    actor: Actor,
    clock: FakeClock,
    tokens: Tokens,
    passwords: Passwords,
    limits: MemoryLimits,
    listener: Listener,
    refused: Refused,
) -> None:
    cache = MemoryCache(clock)
    cached = Accounts(clock, tokens, passwords, limits, listener, cache)
    key = await create(cached, actor)
    for _ in range(5):
        await cached.authenticate_key(key.key)
    assert cache.loads == 1
    await cached.profiles.grant_role(actor.user_id, "moderator")
    assert (await cached.authenticate_key(key.key)).role == "moderator"
    await cached.keys.revoke(actor, RevokeApiKey(key_id=key.id))
    with refused(Code.UNAUTHENTICATED):
        await cached.authenticate_key(key.key)
