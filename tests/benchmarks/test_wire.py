"""The load program's reader and writer of frames."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import wire

payloads = st.one_of(st.binary(max_size=300), st.integers(65_000, 66_000).map(bytes))


def server_frame(payload: bytes, opcode: int = wire.TEXT) -> bytes:
    """The frame of RFC 6455, written another way than the code under test writes its own."""
    if len(payload) < 126:
        return bytes([0x80 | opcode, len(payload)]) + payload
    if len(payload) < 65_536:
        return bytes([0x80 | opcode, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([0x80 | opcode, 127]) + len(payload).to_bytes(8, "big") + payload


def unmasked(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
    mask, body = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))


@given(st.lists(payloads, max_size=5), st.data())
def test_frames_are_read_whole_however_the_bytes_arrive(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(server_frame(payload) for payload in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    seen: list[bytes] = []
    rest = b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        frames, rest = wire.server_frames(rest + stream[start:end])
        seen += [frame.payload for frame in frames]
    assert seen == sent
    assert rest == b""


@given(payloads)
def test_a_client_frame_is_final_masked_and_holds_its_payload(payload: bytes) -> None:
    frame = wire.client_frame(payload)
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    assert unmasked(frame) == payload


@pytest.mark.parametrize(
    "frame",
    [
        b"\x01\x02no",  # the first half of a fragmented text
        b"\xc1\x02no",  # a compressed one, which was never agreed on
        b"\x83\x02no",  # an unknown opcode
        b"\x81\x82mask",
        b"\x81\x7f" + struct.pack("!Q", wire.MAX_PAYLOAD + 1),
    ],
)
def test_what_no_peer_sends_is_refused(frame: bytes) -> None:
    with pytest.raises(wire.MalformedError):
        wire.server_frames(frame)
