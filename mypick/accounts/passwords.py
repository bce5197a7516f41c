"""Hashing of passwords: argon2id, in threads of its own, so that the loop never waits for it."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

import structlog
from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from mypick.accounts.ports import RandomBytes
from mypick.errors import Code, DomainError

log = structlog.get_logger(__name__)

T = TypeVar("T")

THREADS = 2  # hashes at once; each holds the profile's memory, 64 MiB
WAITING = 64  # hashes that may wait for a thread, some seconds of work; beyond it callers are sent away
RETRY_AFTER_MS = 2_000


class Passwords:
    """``parameters`` are RFC 9106's second recommended set (64 MiB, 3 passes, 4 lanes) unless others are handed
    in; hashes made with others are made anew when their owner logs in."""

    def __init__(
        self,
        parameters: Parameters = RFC_9106_LOW_MEMORY,
        *,
        threads: int = THREADS,
        waiting: int = WAITING,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._salt_length = parameters.salt_len
        self._random_bytes = random_bytes
        self._nobodys = _hash_of_nothing(parameters, random_bytes)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._places = BoundedSemaphore(threads + waiting)

    async def hash(self, password: str) -> str:
        """An encoded hash of at most 200 characters. ``UNAVAILABLE`` if too many are waiting."""
        salt = self._random_bytes(self._salt_length)
        return await self._in_thread(lambda: self._hasher.hash(password, salt=salt))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` gave ``stored``. For None, an account that does not exist, the same work is
        done and the answer is False. ``UNAVAILABLE`` if too many are waiting."""
        compared = stored or self._nobodys
        return await self._in_thread(lambda: self._matches(compared, password)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made with other parameters."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the running hashes end; those that wait are cancelled."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            # an answer of its own would tell that the account exists
            log.exception("a stored password hash cannot be read")
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise DomainError(
                Code.UNAVAILABLE,
                "too many people are logging in at this moment; try again in a few seconds",
                retry_after_ms=RETRY_AFTER_MS,
            )
        try:
            future = self._executor.submit(work)
        except BaseException:
            self._places.release()
            raise
        # released by the thread's end and not by ours: a caller who gives up does not stop the thread
        future.add_done_callback(self._give_place_back)
        return await asyncio.wrap_future(future)

    def _give_place_back(self, _: Future[T]) -> None:
        self._places.release()


def _hash_of_nothing(parameters: Parameters, random_bytes: RandomBytes) -> str:
    """A hash with ``parameters`` that no password gives, written out and not computed: verifying against it
    takes as long as against a real one."""

    def encoded(length: int) -> str:
        return base64.b64encode(random_bytes(length)).rstrip(b"=").decode()

    return (
        f"$argon2id$v={parameters.version}"
        f"$m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
        f"${encoded(parameters.salt_len)}${encoded(parameters.hash_len)}"
    )
