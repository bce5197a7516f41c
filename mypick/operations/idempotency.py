"""REST commands that are sent twice and done once.

The socket door has its ``cid``; the REST door has the header ``Idempotency-Key``. Both keep what was answered in the
table ``receipt``, of which the unique index on ``(actor_id, cid)`` decides which of two concurrent requests goes
first, on however many nodes. A key lives through three states:

1. claimed: a row with ``reply = {"claim": …}``. The same request again is ``CONFLICT`` with the time to wait.
2. done: ``reply = {"status", "body"}``. The same request again gets that answer; another one is ``CID_REUSED``.
3. free again: the row is deleted, after an answer that a retry may change (401, 408, 429, 5xx), or by whoever comes
   next once the claim is older than ``LEASE``: its process died in mid-request.

What a died process had committed is not undone; its retry runs the command a second time. Commands for which that
matters are idempotent by their own nature (follow, mark read) or by a unique row (a creator, an account).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.exceptions import IntegrityError

from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.streams.models import Receipt

LEASE = timedelta(seconds=60)  # longer than any request may take
MAX_KEY = 64  # characters of the header
_PREFIX = "rest:"
_HASH_LENGTH = 59  # hex digits: with the prefix the 64 characters of the column, and 236 bits are enough
_TRIES = 4  # a row can vanish between our insert and our look at it; four times in a row is no chance


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer, as it was sent: status and JSON body."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run the command now. End it with ``keep`` or ``free``."""

    receipt_id: int
    claimed_at: datetime


def is_final(status: int) -> bool:
    """Whether the same request would be answered the same way for good: success, or a refusal that stands.

    401 asks for a new token and 409 to look again, 408 and 429 are a matter of time: those free the key.
    """
    return 200 <= status < 300 or (400 <= status < 500 and status not in (401, 408, 409, 429))


def payload_hash(method: str, path: str, body: bytes) -> str:
    """SHA-256 over what was asked. ``path`` is with its query. NUL, which neither may hold, parts the fields."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


class Idempotency:
    """Claims and answers of idempotency keys. ``new_token`` makes what tells two claims apart."""

    def __init__(self, clock: Clock, new_token: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._clock = clock
        self._new_token = new_token

    async def claim(self, actor_id: int, key: str, payload: str) -> Claim | Answer:
        """The right to go on, or the answer that was given before.

        Raises ``CID_REUSED`` where the key was used for something else, ``CONFLICT`` (with ``retry_after_ms``) where
        the same request is being answered at this moment.
        """
        cid = _PREFIX + hashlib.sha256(key.encode()).hexdigest()[:_HASH_LENGTH]
        for _ in range(_TRIES):
            now = self._clock.now()
            try:
                made = await Receipt.create(
                    actor_id=actor_id,
                    cid=cid,
                    payload_hash=payload,
                    reply={"claim": self._new_token()},
                    created_at=now,
                )
            except IntegrityError:
                found = await Receipt.get_or_none(actor_id=actor_id, cid=cid)
                if found is None:
                    continue
                answer = self._answer_of(found, payload, now)
                if answer is not None:
                    return answer
                # its process died; the time in the condition lets one of two successors in
                await Receipt.filter(id=found.id, created_at=found.created_at).delete()
            else:
                return Claim(made.id, now)
        raise _in_progress(LEASE)

    async def keep(self, claim: Claim, answer: Answer) -> bool:
        """Store the answer for good. False if the claim had run out and was taken over."""
        kept = await Receipt.filter(id=claim.receipt_id).update(
            reply={"status": answer.status, "body": answer.body},
            # moved, so that a successor which saw the old time does not delete the answer
            created_at=max(self._clock.now(), claim.claimed_at + timedelta(milliseconds=1)),
        )
        return kept == 1

    async def free(self, claim: Claim) -> None:
        """Let the key be used again: nothing final was answered."""
        await Receipt.filter(id=claim.receipt_id).delete()

    def _answer_of(self, found: Receipt, payload: str, now: datetime) -> Answer | None:
        if found.payload_hash != payload:
            raise DomainError(
                Code.CID_REUSED, "this Idempotency-Key was used for another request; make a new one for each"
            )
        reply: dict[str, Any] = found.reply
        if "status" in reply:
            return Answer(int(reply["status"]), str(reply["body"]))
        left = found.created_at + LEASE - now
        if left > timedelta():
            raise _in_progress(left)
        return None


def _in_progress(left: timedelta) -> DomainError:
    # most requests end within a second, so a client need not wait for the whole lease to look again
    wait = min(left, timedelta(seconds=1))
    return DomainError(
        Code.CONFLICT,
        "a request with this Idempotency-Key is being answered; send it again in a moment",
        retry_after_ms=max(1, int(wait / timedelta(milliseconds=1))),
    )
