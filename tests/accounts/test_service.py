"""Register, log in, change the password: on each dialect, through the service."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import argon2
import pytest

from mypick.accounts.commands import ChangePassword, LogIn, Register
from mypick.accounts.device import Device
from mypick.accounts.models import User
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.accounts.views import Authentication
from mypick.errors import Code, DomainError
from tests.accounts.conftest import DEVICE, PASSWORD, Identify, LogInAs, Refused, register
from tests.accounts.fakes import QUICK, GatedPasswords, Listener, MemoryLimits
from tests.fakes import FakeClock

NEW_PASSWORD = "two horses walk into a bar"


async def test_registering_logs_in(accounts: Accounts, alice: Authentication, actor_of: Identify) -> None:
    assert (alice.user.email, alice.user.display_name, alice.user.role) == ("alice@example.com", "Alice", "fan")
    assert alice.expires_in == 3600
    actor = await actor_of(alice)
    assert (actor.user_id, actor.role, actor.scopes) == (alice.user.id, "fan", None)
    assert alice.user.model_dump()["created_at"] == "2026-01-01T12:00:00.000Z"


async def test_an_address_has_one_account(accounts: Accounts, alice: Authentication, refused: Refused) -> None:
    with refused(Code.CONFLICT) as failure:
        await register(accounts, "ALICE@Example.com", "Mallory")
    assert "log in" in failure.value.message


async def test_of_two_registrations_at_once_one_wins(accounts: Accounts) -> None:
    answers = await asyncio.gather(
        *(register(accounts, "carol@example.com", name) for name in ("Carol", "Caroline")),
        return_exceptions=True,
    )
    won = [answer for answer in answers if isinstance(answer, Authentication)]
    lost = [answer.code for answer in answers if isinstance(answer, DomainError)]
    assert (len(won), lost) == (1, [Code.CONFLICT])
    assert await User.filter(email="carol@example.com").count() == 1


@pytest.mark.parametrize("password", ["dave.the.fan@example.com", "DAVE.THE.FAN", "Davy Jones"])
async def test_a_password_that_is_its_owner_is_refused(
    accounts: Accounts, refused: Refused, password: str
) -> None:
    command = Register(email="dave.the.fan@example.com", password=password, display_name="Davy Jones")
    with refused(Code.INVALID) as failure:
        await accounts.register(command, DEVICE)
    assert failure.value.details[0]["field"] == "password"
    assert not await User.exists(email=command.email)


async def test_log_in_finds_the_account_without_case(
    alice: Authentication, log_in: LogInAs, actor_of: Identify
) -> None:
    again = await log_in("Alice@EXAMPLE.com")
    assert again.user.id == alice.user.id
    assert (await actor_of(again)).session_id != (await actor_of(alice)).session_id


async def test_unknown_account_and_wrong_password_are_told_alike_after_the_same_work(
    alice: Authentication, log_in: LogInAs, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = argon2.PasswordHasher.verify
    work: list[argon2.Parameters] = []

    def noted(hasher: argon2.PasswordHasher, stored: str, password: str) -> bool:
        work.append(argon2.extract_parameters(stored))
        return verify(hasher, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)
    with refused(Code.UNAUTHENTICATED) as unknown:
        await log_in("nobody@example.com", "wrong password")
    work_for_unknown, work[:] = work[:], []
    with refused(Code.UNAUTHENTICATED) as wrong:
        await log_in("alice@example.com", "wrong password")
    assert unknown.value.body() == wrong.value.body()
    assert work_for_unknown == work == [QUICK]


@pytest.mark.parametrize("name", ["auth.login.account", "auth.login.address"])
async def test_throttles_do_not_tell_whether_the_account_exists(
    alice: Authentication, log_in: LogInAs, limits: MemoryLimits, clock: FakeClock, refused: Refused, name: str
) -> None:
    limits.allowed[name] = 2
    told: list[list[dict[str, object]]] = []
    for email in ("alice@example.com", "nobody@example.com"):
        answers = []
        for _ in range(4):
            with pytest.raises(DomainError) as failure:
                await log_in(email, "wrong password")
            answers.append(failure.value.body())
        told.append(answers)
        clock.advance(120)  # a fresh window
    assert told[0] == told[1]
    assert [answer["code"] for answer in told[0]] == ["UNAUTHENTICATED"] * 2 + ["RATE_LIMITED"] * 2


async def test_the_right_password_does_not_pass_a_throttle(
    alice: Authentication, log_in: LogInAs, limits: MemoryLimits, clock: FakeClock, refused: Refused
) -> None:
    limits.allowed["auth.login.account"] = 1
    with refused(Code.UNAUTHENTICATED):
        await log_in(password="wrong password")
    with refused(Code.RATE_LIMITED):
        await log_in()
    clock.advance(120)
    await log_in()


async def test_an_account_is_throttled_over_all_addresses_and_an_address_over_all_accounts(
    alice: Authentication, bob: Authentication, log_in: LogInAs, limits: MemoryLimits, refused: Refused
) -> None:
    limits.allowed = {"auth.login.account": 2, "auth.login.address": 3}
    for host in (1, 2):
        await log_in("alice@example.com", device=Device("", f"203.0.113.{host}"))
    with refused(Code.RATE_LIMITED):
        await log_in("ALICE@example.com", device=Device("", "203.0.113.3"))
    for email in ("bob@example.com", "x@example.com"):
        with pytest.raises(DomainError):
            await log_in(email, "wrong password", device=Device("", "203.0.113.3"))
    with refused(Code.RATE_LIMITED):
        await log_in("bob@example.com", device=Device("", "203.0.113.3"))
    await log_in("bob@example.com", device=Device("", "203.0.113.4"))


async def test_the_limiter_never_sees_an_address_in_clear(
    alice: Authentication, log_in: LogInAs, limits: MemoryLimits
) -> None:
    await log_in()
    assert limits.subjects("auth.login.account")
    assert "alice" not in str(limits.subjects("auth.login.account"))


async def test_registration_is_throttled_by_address_before_it_tells_of_an_account(
    accounts: Accounts, alice: Authentication, limits: MemoryLimits, refused: Refused
) -> None:
    limits.allowed["auth.register"] = 2  # alice was the first
    with refused(Code.CONFLICT):
        await register(accounts, "alice@example.com", "Mallory")
    with refused(Code.RATE_LIMITED):
        await register(accounts, "alice@example.com", "Mallory")
    with refused(Code.RATE_LIMITED):
        await register(accounts, "nobody@example.com", "Mallory")


async def test_an_outdated_hash_is_renewed_at_log_in(
    accounts: Accounts,
    alice: Authentication,
    clock: FakeClock,
    tokens: Tokens,
    limits: MemoryLimits,
    listener: Listener,
) -> None:
    stronger = replace(QUICK, time_cost=2)
    passwords = Passwords(stronger)
    upgraded = Accounts(clock, tokens, passwords, limits, listener)
    # the second and third log-in verify against the renewed hash, on the new server and on an old one
    for server in (upgraded, upgraded, accounts):
        before = (await User.get(id=alice.user.id)).password_hash
        await server.log_in(LogIn(email="alice@example.com", password=PASSWORD), DEVICE)
        after = (await User.get(id=alice.user.id)).password_hash
        parameters = argon2.extract_parameters(after)
        assert parameters == (QUICK if server is accounts else stronger)
        assert (before == after) == (argon2.extract_parameters(before) == parameters)
    passwords.close()


async def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(
    accounts: Accounts,
    alice: Authentication,
    log_in: LogInAs,
    actor_of: Identify,
    listener: Listener,
    refused: Refused,
) -> None:
    elsewhere = await log_in()
    lost = (await actor_of(elsewhere)).session_id
    actor = await actor_of(alice)
    await accounts.change_password(
        actor, ChangePassword(current_password=PASSWORD, new_password=NEW_PASSWORD)
    )
    assert listener.heard == [(alice.user.id, lost, "password")]
    assert await actor_of(alice) == actor
    with refused(Code.UNAUTHENTICATED):
        await actor_of(elsewhere)
    with refused(Code.UNAUTHENTICATED):
        await log_in()
    await log_in(password=NEW_PASSWORD)


async def test_the_current_password_is_asked_and_its_guesses_are_counted(
    accounts: Accounts, alice: Authentication, actor_of: Identify, limits: MemoryLimits, refused: Refused
) -> None:
    actor = await actor_of(alice)
    limits.allowed["auth.login.account"] = 1
    with refused(Code.FORBIDDEN):
        await accounts.change_password(
            actor, ChangePassword(current_password="a guess", new_password=NEW_PASSWORD)
        )
    with refused(Code.RATE_LIMITED):
        await accounts.change_password(
            actor, ChangePassword(current_password=PASSWORD, new_password=NEW_PASSWORD)
        )


async def test_a_new_password_that_is_its_owner_is_refused(
    accounts: Accounts, alice: Authentication, actor_of: Identify, refused: Refused
) -> None:
    command = ChangePassword(current_password=PASSWORD, new_password="alice@example.com")
    with refused(Code.INVALID) as failure:
        await accounts.change_password(await actor_of(alice), command)
    assert failure.value.details[0]["field"] == "new_password"


async def test_no_session_opens_with_a_password_that_is_changed_meanwhile(
    accounts: Accounts,
    alice: Authentication,
    actor_of: Identify,
    log_in: LogInAs,
    passwords: GatedPasswords,
    refused: Refused,
) -> None:
    actor = await actor_of(alice)
    passwords.gate.clear()
    late = asyncio.create_task(log_in())
    await asyncio.wait_for(passwords.verified.wait(), 10)
    changed = await passwords.hash(NEW_PASSWORD)
    await User.filter(id=alice.user.id).update(password_hash=changed)
    passwords.gate.set()
    with refused(Code.UNAUTHENTICATED):
        await late
    assert [session.id for session in await accounts.sessions.list(actor)] == [actor.session_id]
