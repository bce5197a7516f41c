from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from mypick.accounts.actor import Actor
from mypick.accounts.commands import LogIn, Register
from mypick.accounts.device import Device
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.accounts.views import Authentication
from mypick.db import Database
from mypick.errors import Code, DomainError
from tests.accounts.fakes import GatedPasswords, Listener, MemoryLimits
from tests.fakes import FakeClock

PASSWORD = "a horse walks into a bar"
DEVICE = Device("Firefox on Linux", "203.0.113.7")

Refused = Callable[[Code], AbstractContextManager[pytest.ExceptionInfo[DomainError]]]
LogInAs = Callable[..., Coroutine[Any, Any, Authentication]]
Identify = Callable[[Authentication], Awaitable[Actor]]


@pytest.fixture
def tokens(clock: FakeClock) -> Tokens:
    return Tokens(clock, access_secret="a" * 40, refresh_secret="r" * 40)


@pytest.fixture
def limits(clock: FakeClock) -> MemoryLimits:
    return MemoryLimits(clock)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def passwords() -> AsyncIterator[GatedPasswords]:
    passwords = GatedPasswords()
    yield passwords
    passwords.close()


@pytest.fixture
def accounts(
    database: Database,
    clock: FakeClock,
    tokens: Tokens,
    passwords: GatedPasswords,
    limits: MemoryLimits,
    listener: Listener,
) -> Accounts:
    return Accounts(clock, tokens, passwords, limits, listener)


@pytest.fixture
async def alice(accounts: Accounts) -> Authentication:
    return await register(accounts, "alice@example.com", "Alice")


@pytest.fixture
async def bob(accounts: Accounts) -> Authentication:
    return await register(accounts, "bob@example.com", "Bob")


@pytest.fixture
def log_in(accounts: Accounts) -> LogInAs:
    async def log_in(
        email: str = "alice@example.com", password: str = PASSWORD, device: Device = DEVICE
    ) -> Authentication:
        return await accounts.log_in(LogIn(email=email, password=password), device)

    return log_in


@pytest.fixture
def actor_of(accounts: Accounts) -> Identify:
    async def identify(authentication: Authentication) -> Actor:
        return await accounts.authenticate(authentication.access_token)

    return identify


@pytest.fixture
def refused() -> Refused:
    """``with refused(Code.X) as failure``: what is inside raises a ``DomainError`` with this code."""

    @contextmanager
    def refused(code: Code) -> Iterator[pytest.ExceptionInfo[DomainError]]:
        with pytest.raises(DomainError) as failure:
            yield failure
        assert failure.value.code is code, failure.value

    return refused


async def register(accounts: Accounts, email: str, name: str) -> Authentication:
    return await accounts.register(Register(email=email, password=PASSWORD, display_name=name), DEVICE)
