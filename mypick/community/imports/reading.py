"""Reading a log of any size in pieces: JSON lines, or the list of messages in one document.

No more than one piece and one record are in memory. Each record comes with the byte behind it, from where a later run
can go on, and with its number: of the line, or in the list.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

PIECE = 1024 * 1024  # bytes
MAX_RECORD = 4 * 1024 * 1024  # bytes of one record; a longer line is a bad one, a longer object ends the reading

HEAD = 1024 * 1024  # bytes before the list of messages in a document

_BLANKS = b" \t\r\n"
_BETWEEN = re.compile(r"[ \t\r\n,]*")


class Broken(Exception):
    """The document cannot be read on from here; the message says where it is."""


@dataclass(frozen=True, slots=True)
class Record:
    """``value`` is None where it is no JSON object."""

    number: int
    value: dict[str, Any] | None
    behind: int


def read(path: Path, offset: int = 0, number: int = 0) -> Iterator[Record]:
    """The records of the file from a byte on, the ``number``-th of which was the last."""
    with path.open("rb") as file:
        start = _list_begins(file)
        if start is None:
            file.seek(offset)
            yield from _lines(file, offset, number)
        else:
            begin = max(start, offset)
            file.seek(begin)
            yield from _objects(file, begin, number)


def _lines(file: BinaryIO, offset: int, number: int) -> Iterator[Record]:
    while line := file.readline(MAX_RECORD):
        number, offset, whole = number + 1, offset + len(line), line.endswith(b"\n")
        if len(line) == MAX_RECORD and not whole:
            while rest := file.readline(MAX_RECORD):
                offset += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield Record(number, None, offset)
        elif stripped := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield Record(number, _parsed(stripped), offset)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _list_begins(file: BinaryIO) -> int | None:
    """Where the list of messages begins, in a file that is one document; None for lines. A document has its messages
    behind a head on the server and the channel, or is the list itself."""
    head = file.read(HEAD)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    begin = len(head) - len(text)
    if text.startswith(b"["):
        return begin + 1
    first = text.split(b"\n", 1)[0]
    if _parsed(first) is not None and b'"messages"' not in first:
        return None
    place = head.find(b'"messages"')
    if place < 0 or not text.startswith(b"{"):
        return None
    bracket = head.find(b"[", place)
    return None if bracket < 0 or head[place + 10 : bracket].strip(_BLANKS + b":") else bracket + 1


def _objects(file: BinaryIO, offset: int, number: int) -> Iterator[Record]:
    parse, decode = json.JSONDecoder().raw_decode, codecs.getincrementaldecoder("utf-8")().decode
    buffer, place, ended = "", 0, False
    while True:
        begin = _BETWEEN.match(buffer, place).end()  # type: ignore[union-attr]  # it matches nothing as well
        offset += begin - place  # blanks and commas are a byte each
        place = begin
        if buffer.startswith("]", place):
            return
        try:
            value, end = parse(buffer, place)
        except ValueError:
            if ended or len(buffer) - place > MAX_RECORD:
                raise Broken(f"what begins at byte {offset:,} is no whole object: is the file complete?") from None
            piece = file.read(PIECE)
            ended = not piece
            try:
                buffer, place = buffer[place:] + decode(piece, ended), 0
            except UnicodeDecodeError:
                raise Broken(f"behind byte {offset:,} is text that is not UTF-8") from None
            continue
        number, offset = number + 1, offset + len(buffer[place:end].encode())
        place = end
        yield Record(number, value if isinstance(value, dict) else None, offset)
