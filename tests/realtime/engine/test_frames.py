"""Frames as RFC 6455 has them: case by case, and beside aiohttp's reader with whatever hypothesis thinks of."""

from __future__ import annotations

import asyncio
import struct

import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.models import WebSocketError
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st

from realtime.engine.frames import FrameError, FrameReader, close_code, encode, encode_close
from tests.realtime.engine.frames import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, ClientFrame

LIMIT = 70_000
Items = list[tuple[int, bytes]]
PART = (CONTINUATION, b"")


def read(*frames: ClientFrame | bytes, limit: int = LIMIT, cut: int = 0) -> tuple[Items, int | None]:
    """What comes out of the reader, and the code of its error. ``cut``: so many bytes at a time."""
    reader = FrameReader(limit)
    data = b"".join(bytes(frame) for frame in frames)
    step = cut or len(data) or 1
    found: Items = []
    for start in range(0, len(data), step):
        found += [(opcode, bytes(payload)) for opcode, payload in reader.feed(data[start : start + step])]
    return found, reader.error.code if reader.error else None


# what is read


SIZES = [0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_messages_of_every_length_are_read_whole_and_in_pieces(opcode: int, size: int) -> None:
    frame = ClientFrame(opcode, b"x" * size)
    for cut in (0, 1, 3, 1_000) if size < 1_000 else (0, 999):
        assert read(frame, frame, cut=cut) == ([(opcode, b"x" * size)] * 2, None)


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
@pytest.mark.parametrize("size", [0, 2, 125])
def test_control_frames_up_to_125_bytes_are_read(opcode: int, size: int) -> None:
    assert read(ClientFrame(opcode, b"x" * size)) == ([(opcode, b"x" * size)], None)


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", MASK, b"\0\0\0\1"])
@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 7, 8, 9, 125, 200])
def test_every_mask_is_taken_off(mask: bytes, size: int) -> None:
    payload = bytes(number % 256 for number in range(size))
    assert read(ClientFrame(BINARY, payload, mask=mask)) == ([(BINARY, payload)], None)


@pytest.mark.parametrize("cut", [0, 1, 2, 5, 7])
def test_fragments_become_one_message(cut: int) -> None:
    frames = [
        ClientFrame(TEXT, b"one ").part(),
        ClientFrame(CONTINUATION).part(),
        ClientFrame(CONTINUATION, b"two ").part(),
        ClientFrame(CONTINUATION, b"three"),
        ClientFrame(BINARY).part(),
        ClientFrame(CONTINUATION),
        ClientFrame(TEXT, b"four"),
    ]
    expected = [PART, PART, PART, (TEXT, b"one two three"), PART, (BINARY, b""), (TEXT, b"four")]
    assert read(*frames, cut=cut) == (expected, None)


def test_control_frames_may_stand_between_fragments() -> None:
    frames = [
        ClientFrame(TEXT, b"a").part(),
        ClientFrame(PING, b"p"),
        ClientFrame(CONTINUATION, b"b").part(),
        ClientFrame(PONG),
        ClientFrame(CONTINUATION, b"c"),
        ClientFrame(CLOSE),
    ]
    assert read(*frames)[0] == [PART, (PING, b"p"), PART, (PONG, b""), (TEXT, b"abc"), (CLOSE, b"")]


def test_a_letter_may_be_cut_between_fragments() -> None:
    letter = "🙂".encode()
    frames = ClientFrame(TEXT, letter[:1]).part(), ClientFrame(CONTINUATION, letter[1:3]).part()
    assert read(*frames, ClientFrame(CONTINUATION, letter[3:]))[0][-1] == (TEXT, letter)


@pytest.mark.parametrize("wide", [2, 8])
def test_lengths_written_longer_than_need_be_are_read(wide: int) -> None:
    assert read(ClientFrame(TEXT, b"abc", wide=wide), ClientFrame(TEXT, b"d")) == ([(TEXT, b"abc"), (TEXT, b"d")], None)


# what is refused


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_opcodes_are_refused(opcode: int) -> None:
    assert read(ClientFrame(TEXT, b"before"), ClientFrame(opcode), ClientFrame(TEXT)) == ([(TEXT, b"before")], 1002)


@pytest.mark.parametrize("reserved", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, PING, CLOSE])
def test_reserved_bits_are_refused(reserved: int, opcode: int) -> None:
    assert read(ClientFrame(opcode, b"x", reserved=reserved)) == ([], 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_a_frame_without_a_mask_is_refused(opcode: int) -> None:
    assert read(ClientFrame(opcode, b"unmasked", mask=None)) == ([], 1002)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_control_frames_that_are_cut_or_long_are_refused(opcode: int) -> None:
    assert read(ClientFrame(opcode).part()) == ([], 1002)
    assert read(ClientFrame(opcode, b"x" * 126)) == ([], 1002)
    assert read(ClientFrame(opcode, b"x", wide=2)) == ([], 1002)


def test_fragments_out_of_their_order_are_refused() -> None:
    for opcode in (TEXT, BINARY):
        assert read(ClientFrame(CONTINUATION, b"rest of nothing")) == ([], 1002)
        assert read(ClientFrame(CONTINUATION).part()) == ([], 1002)
        for first in (b"", b"begun"):
            begun = ClientFrame(opcode, first).part()
            assert read(begun, ClientFrame(TEXT, b"another")) == ([PART], 1002)
            assert read(begun, begun) == ([PART], 1002)


WRONG_TEXT = {
    "a byte that begins nothing": b"\xff",
    "a rest of no letter": b"a\x80",
    "a letter that is cut": "é".encode()[:1],
    "too long a form": b"\xc0\xaf",
    "half of a surrogate pair": b"\xed\xa0\x80",
    "beyond the last letter": b"\xf4\x90\x80\x80",
}


@pytest.mark.parametrize("payload", WRONG_TEXT.values(), ids=WRONG_TEXT.keys())
def test_a_text_that_is_no_utf8_is_refused_and_bytes_may_be_anything(payload: bytes) -> None:
    assert read(ClientFrame(TEXT, payload)) == ([], 1007)
    assert read(ClientFrame(TEXT, payload).part(), ClientFrame(CONTINUATION)) == ([PART], 1007)
    assert read(ClientFrame(BINARY, payload)) == ([(BINARY, payload)], None)


def test_a_message_over_the_bound_is_refused_before_it_is_there() -> None:
    whole = bytes(ClientFrame(TEXT, b"x" * 101))
    for frames in (
        (whole,),
        (whole[:6],),  # the head is enough
        (ClientFrame(TEXT, b"x" * 60).part(), ClientFrame(CONTINUATION, b"x" * 41).part()),
    ):
        assert read(*frames, limit=100)[1] == 1009
    assert read(ClientFrame(TEXT, b"x" * 100), limit=100)[1] is None
    assert read(b"\x82\xff" + b"\xff" * 8 + MASK)[1] == 1009  # and 2^64 - 1 are no negative number
    assert read(ClientFrame(TEXT, b"x" * 90).part(), ClientFrame(PING, b"x" * 90), limit=100)[1] is None


def test_after_a_mistake_nothing_more_is_read_nor_kept() -> None:
    reader = FrameReader(100)
    assert list(reader.feed(bytes(ClientFrame(3)) + bytes(ClientFrame(TEXT, b"late")))) == []
    assert list(reader.feed(bytes(ClientFrame(TEXT, b"later")))) == []
    assert reader.error is not None
    assert len(reader._buffer) == 0
    assert not reader.clean


def test_a_frame_is_read_only_when_it_is_asked_for() -> None:
    reader = FrameReader(100)
    frames = reader.feed(bytes(ClientFrame(TEXT, b"one")) + bytes(ClientFrame(3)))
    assert next(frames) == (TEXT, bytearray(b"one"))
    assert reader.error is None
    assert list(frames) == []
    assert reader.error is not None


def test_a_reader_keeps_no_more_than_what_is_half_read() -> None:
    reader = FrameReader(1_000_000)
    for _ in range(1_000):
        assert len(list(reader.feed(bytes(ClientFrame(TEXT, b"x" * 100)) * 10))) == 10
    assert len(reader._buffer) == 0
    assert reader.clean


# close


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
def test_codes_that_may_be_sent_are_read(code: int) -> None:
    assert close_code(struct.pack(">H", code) + "wörd".encode()) == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_codes_that_may_not_be_sent_are_refused(code: int) -> None:
    with pytest.raises(FrameError) as caught:
        close_code(struct.pack(">H", code))
    assert caught.value.code == 1002


def test_a_close_may_be_empty_but_not_half_a_code_nor_say_what_is_no_text() -> None:
    assert close_code(b"") == 1005
    for payload, code in ((b"\x03", 1002), (b"\x03\xe8\xff", 1007)):
        with pytest.raises(FrameError) as caught:
            close_code(payload)
        assert caught.value.code == code


# what is written


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_read_by_aiohttp(size: int) -> None:
    found, error = beside(encode(BINARY, b"y" * size), limit=LIMIT)
    assert (found, error) == ([(BINARY, b"y" * size)], False)


def test_a_close_is_written_with_its_reason_in_the_bounds_of_a_control_frame() -> None:
    assert encode_close(1009, "too big") == b"\x88\x09\x03\xf1too big"
    assert len(encode_close(1000, "x" * 500)) == 2 + 125


# beside aiohttp's reader


class _Unused(BaseProtocol):
    """What the queue of aiohttp's reader wants to have; it pauses nobody."""


def beside(*chunks: bytes, limit: int = 300) -> tuple[Items, bool]:
    """What aiohttp's reader reads, up to a close, and whether it refused."""
    loop = asyncio.new_event_loop()
    try:
        queue = WebSocketDataQueue(_Unused(loop), 2**24, loop=loop)
        reader = WebSocketReader(queue, limit, compress=False, decode_text=False)
        for chunk in chunks:
            if reader.feed_data(chunk)[0]:
                break
        found: Items = []
        for message, _ in queue._buffer:
            if message.type is WSMsgType.CLOSE:
                return [*found, (CLOSE, b"")], False
            found.append((int(message.type), bytes(message.data)))
        return found, isinstance(queue.exception(), WebSocketError)
    finally:
        loop.close()


def ours(*chunks: bytes) -> tuple[Items, bool]:
    reader = FrameReader(300)
    found: Items = []
    for chunk in chunks:
        for opcode, payload in reader.feed(chunk):
            if opcode == CLOSE:
                try:
                    close_code(bytes(payload))
                except FrameError:
                    return found, True
                return [*found, (CLOSE, b"")], False
            if opcode != CONTINUATION:
                found.append((opcode, bytes(payload)))
    return found, reader.error is not None


# Ours is stricter in four things, each with its test above: masks, codes that may not be sent, what is no UTF-8 (which
# aiohttp's looks at when it decodes), and a message begun by an empty fragment, which aiohttp's forgets.
CODES = st.sampled_from([1000, 1001, 1002, 1003, 1004, 1007, 1011, 1016, 2999, 3000, 4999]).map(
    lambda code: struct.pack(">H", code)
)
PAYLOADS = st.text(max_size=60).map(str.encode) | st.sampled_from([b"a" * size for size in (125, 126, 127, 200, 301)])
RIGHT = st.builds(ClientFrame, st.sampled_from([TEXT, BINARY, PING, PONG]), PAYLOADS.filter(lambda p: len(p) < 126))
CLOSES = st.builds(ClientFrame, st.just(CLOSE), CODES | st.just(b"") | st.just(b"\x03"))
ANY = st.builds(
    ClientFrame,
    st.sampled_from([*range(16), CONTINUATION, CONTINUATION, TEXT, TEXT, BINARY]),
    PAYLOADS.filter(bool),
    final=st.sampled_from([True, True, False]),
    reserved=st.sampled_from([0] * 12 + [1, 2, 4]),
    mask=st.binary(min_size=4, max_size=4),
    wide=st.sampled_from([0, 0, 0, 0, 2, 8]),
).filter(lambda frame: frame.opcode != CLOSE)


@given(
    frames=st.lists(RIGHT | ANY | CLOSES, min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 40), max_size=30),
)
def test_what_aiohttp_reads_is_read_the_same_and_what_it_refuses_is_refused(
    frames: list[ClientFrame], cuts: list[int]
) -> None:
    data = b"".join(bytes(frame) for frame in frames)
    chunks = []
    for cut in cuts:
        chunks.append(data[:cut])
        data = data[cut:]
    chunks = [chunk for chunk in [*chunks, data] if chunk]
    assert ours(*chunks) == beside(*chunks)
