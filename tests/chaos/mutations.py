"""Packets as they should be, and what becomes of them under a bad hand."""

from __future__ import annotations

from random import Random

SPACE = "/notifications"
VALID = (
    b"1",
    b"2",
    b"3",
    b"3probe",
    b"5",
    b"6",
    b"40",
    b'40/notifications,{"token":"x"}',
    b"41/notifications,",
    b'42/notifications,["clock",{"t0":1}]',
    b'42/notifications,7["clock",{"t0":1.5}]',
    b'42/notifications,8["sync",{"stream":"inbox:1","epoch":"abcd","after_seq":0,"limit":200}]',
    b'42/notifications,9["mark-read",{"upto_seq":1}]',
    b'42/notifications,10["mark-read",{"ids":[1,2,3]}]',
    b'42/notifications,11["refresh-auth",{"token":"x.y.z"}]',
    b'42/notifications,["connect",{}]',
    b"43/notifications,7[{}]",
    b'44/notifications,{"message":"x"}',
    b'451-/notifications,["clock",{"_placeholder":true,"num":0}]',
    b"46/notifications,8[]",
)
WORDS = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\x1e", b"[", b"]", b"{", b"}", b'"', b",", b"/", b"-", b"null", b"1e999"),
    *(b"9" * 25, b"[" * 40, b'{"a":' * 40, b"\\ud800", b"inbox:2", b"451-", b"452-", b"999999999-", b"\r\n\r\n"),
)
MOST_EDITS = 4


def mutated(rng: Random, packet: bytes) -> bytes:
    """``packet`` after one to four edits: bits turned, slices lost, doubled, moved, or words of evil put in."""
    data = bytearray(packet)
    for _ in range(rng.randint(1, MOST_EDITS)):
        start = rng.randint(0, len(data))
        end = min(len(data), start + rng.randint(1, 8))
        match rng.randrange(6):
            case 0 if data:
                data[min(start, len(data) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * rng.randint(1, 3)
            case 3:
                data[start:end] = rng.choice(WORDS)
            case 4:
                data[start:start] = rng.choice(WORDS)
            case _:
                data += rng.choice(VALID)
    return bytes(data)


def any_packet(rng: Random) -> bytes:
    return mutated(rng, rng.choice(VALID))
