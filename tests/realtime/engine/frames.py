"""Frames of a client, as the tests want them: right or wrong in each of their parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x12\x34\xab\xcd"


@dataclass(frozen=True)
class ClientFrame:
    opcode: int
    payload: bytes = b""
    final: bool = True
    reserved: int = 0  # the three bits, 0 to 7
    mask: bytes | None = MASK
    wide: int = 0  # bytes that the length takes beyond what it needs: as if it were of 16 or 64 bits

    def part(self) -> ClientFrame:
        """The same, with more to come."""
        return replace(self, final=False)

    def __bytes__(self) -> bytes:
        size, masked = len(self.payload), 0x80 if self.mask is not None else 0
        if size < 126 and not self.wide:
            length = bytes([masked | size])
        elif size < 65_536 and self.wide < 8:
            length = bytes([masked | 126]) + size.to_bytes(2, "big")
        else:
            length = bytes([masked | 127]) + size.to_bytes(8, "big")
        return (
            bytes([(0x80 if self.final else 0) | (self.reserved << 4) | self.opcode])
            + length
            + (self.mask or b"")
            + (masked_with(self.mask, self.payload) if self.mask is not None else self.payload)
        )


def masked_with(mask: bytes, payload: bytes) -> bytes:
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def text(payload: str) -> bytes:
    return bytes(ClientFrame(TEXT, payload.encode()))
