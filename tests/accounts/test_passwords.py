"""Hashing: the same work for everyone, in bounded threads."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import argon2
import pytest
from argon2.profiles import RFC_9106_LOW_MEMORY

from mypick.accounts.passwords import Passwords
from mypick.errors import Code, DomainError
from tests.accounts.conftest import Refused
from tests.accounts.fakes import QUICK, GatedPasswords


async def test_a_password_verifies_and_another_does_not(passwords: GatedPasswords) -> None:
    stored = await passwords.hash("비밀번호 horse")
    assert stored.startswith("$argon2id$")
    assert len(stored) <= 200
    assert await passwords.verify(stored, "비밀번호 horse")
    assert not await passwords.verify(stored, "비밀번호 house")


async def test_equal_passwords_have_different_hashes(passwords: GatedPasswords) -> None:
    assert await passwords.hash("horse") != await passwords.hash("horse")


async def test_nobody_is_verified_with_the_same_work_on_another_thread(
    passwords: GatedPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = argon2.PasswordHasher.verify
    seen: list[argon2.Parameters] = []
    threads: set[int] = set()

    def noted(hasher: argon2.PasswordHasher, stored: str, password: str) -> bool:
        seen.append(argon2.extract_parameters(stored))
        threads.add(threading.get_ident())
        return verify(hasher, stored, password)

    stored = await passwords.hash("horse")
    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)
    assert not await passwords.verify(stored, "wrong")
    assert not await passwords.verify(None, "wrong")
    assert seen == [QUICK, QUICK]
    assert threading.get_ident() not in threads


async def test_hashes_of_other_parameters_are_outdated(passwords: GatedPasswords) -> None:
    stored = await passwords.hash("horse")
    stronger = Passwords(replace(QUICK, time_cost=2))
    assert not passwords.is_outdated(stored)
    assert stronger.is_outdated(stored)
    assert await stronger.verify(stored, "horse")
    stronger.close()


async def test_an_unreadable_hash_is_a_wrong_password(passwords: GatedPasswords) -> None:
    assert not await passwords.verify("not a hash", "horse")


async def test_beyond_its_places_it_sends_people_away_and_recovers(refused: Refused) -> None:
    # the production profile takes tens of milliseconds: all four ask before the first is done
    passwords = Passwords(RFC_9106_LOW_MEMORY, threads=1, waiting=1)
    answers = await asyncio.gather(*(passwords.hash("horse") for _ in range(4)), return_exceptions=True)
    hashes = [answer for answer in answers if isinstance(answer, str)]
    failures = [answer for answer in answers if isinstance(answer, DomainError)]
    assert len(hashes) == 2
    assert [failure.code for failure in failures] == [Code.UNAVAILABLE] * 2
    assert all(failure.retry_after_ms for failure in failures)
    assert await passwords.verify(hashes[0], "horse")
    passwords.close()


async def test_who_gives_up_waiting_gives_the_place_back() -> None:
    passwords = Passwords(QUICK, threads=1, waiting=0)
    for _ in range(3):
        task = asyncio.create_task(passwords.hash("horse"))
        await asyncio.sleep(0)  # it has taken its place
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            while not await _hashes(passwords):  # the thread ends the hash in its own time
                await asyncio.sleep(0)
    passwords.close()


async def _hashes(passwords: Passwords) -> bool:
    try:
        return bool(await passwords.hash("horse"))
    except DomainError:
        return False
