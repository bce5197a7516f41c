"""Tokens of invites: which invite to which party, until when, and that it was this server that said so.

A token that was made up, or changed in one sign, is refused without a question to the database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime

LENGTH = 48  # signs of a token: 20 bytes of numbers and 16 of signature in base64
SIGNATURE = 16  # bytes of HMAC-SHA256: 128 bits cannot be guessed

_NUMBERS = struct.Struct(">QQI")  # party, invite, the second in which it ends


@dataclass(frozen=True, slots=True)
class Signed:
    """What a good token says."""

    party_id: int
    invite_id: int
    until_s: int


class InviteTokens:
    """``secret`` is the process's own; the key made from it signs nothing else."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"invites to watch parties", hashlib.sha256)

    def token(self, party_id: int, invite_id: int, expires_at: datetime) -> str:
        """For an address: letters, digits, ``-`` and ``_``."""
        numbers = _NUMBERS.pack(party_id, invite_id, int(expires_at.timestamp()))
        return base64.urlsafe_b64encode(numbers + self._signature(numbers)).decode()

    def read(self, token: str) -> Signed | None:
        """What ``token`` says; None where this server has not said it."""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return None
        numbers, signature = raw[: _NUMBERS.size], raw[_NUMBERS.size :]
        if len(raw) != _NUMBERS.size + SIGNATURE or not hmac.compare_digest(signature, self._signature(numbers)):
            return None
        return Signed(*_NUMBERS.unpack(numbers))

    def _signature(self, numbers: bytes) -> bytes:
        return hmac.digest(self._key, numbers, hashlib.sha256)[:SIGNATURE]
