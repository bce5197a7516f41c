"""Messages of the bus that never arrive: a sieve for what Redis sends to those who have subscribed."""

from __future__ import annotations

from random import Random

from tests.chaos.proxy import Sieve, Wire

CANARY = b":canary:"  # without it a node would notice at once, and read everything anew


class Dropper:
    """Keeps back ``share`` of the messages of other streams than the canary's. ``dropped`` counts them."""

    def __init__(self, rng: Random, share: float) -> None:
        self._rng = rng
        self._share = share
        self.dropped = 0
        self.passed = 0

    def sieve(self, wire: Wire) -> Sieve:
        """For one connection. One that has not subscribed gets all that is its own."""
        held = b""

        def sieved(data: bytes) -> bytes:
            nonlocal held
            if b"\r\nSUBSCRIBE\r\n" not in wire.asked:
                return data
            held += data
            out, at = [], 0
            while (end := _reply_end(held, at)) is not None:
                if not self._drops(held[at:end]):
                    out.append(held[at:end])
                at = end
            held = held[at:]
            return b"".join(out)

        return sieved

    def _drops(self, reply: bytes) -> bool:
        if not reply.startswith(b"*3\r\n$7\r\nmessage\r\n") or CANARY in reply:
            return False
        drops = self._rng.random() < self._share
        self.dropped += drops
        self.passed += not drops
        return drops


def _reply_end(data: bytes, at: int) -> int | None:
    """Where the reply that begins at ``at`` ends, in RESP 2; None while it has not all arrived."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, after = data[at : at + 1], line + 2
    if kind in b"+-:":
        return after
    count = int(data[at + 1 : line])
    if kind == b"$":
        end = after + count + 2 if count >= 0 else after
        return end if end <= len(data) else None
    for _ in range(count):
        found = _reply_end(data, after)
        if found is None:
            return None
        after = found
    return after
