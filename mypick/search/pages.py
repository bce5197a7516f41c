"""How a segment is laid out: pages of postings, a page of communities, and a directory.

A segment numbers its texts from the oldest, 0 to at most 4,095. A page of postings has for each of its terms the
numbers of the texts that have it, as a list, or as one bit for each text where that is shorter. The directory has for
each number which text it is. All numbers are stored with the lowest byte first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mypick.search.terms import BUCKETS, bucket_of, little, unpack_terms

if TYPE_CHECKING:
    Numbers = array[int]

SEGMENT = 4_096  # texts in one segment: a full bitmap is 512 bytes, and 1,000,000 texts are 245 segments
ENTRIES = 128  # of a page of the directory, 2 KiB
COMMUNITIES = BUCKETS  # the number of the page that says which texts are of which community
DIRECTORY = BUCKETS + 1  # the number of its first page
_SLOTS = 512  # numbers for the pages of one segment
_BITMAP = SEGMENT // 8  # bytes
_LISTED = _BITMAP // 2  # numbers up to which a list is not longer


class Key(NamedTuple):
    """Which text, and its place in the order of results: by time (microseconds since 1970), then kind and ref."""

    at: int
    kind: int
    ref: int


class Entry(NamedTuple):
    """A text as the packer gets it."""

    key: Key
    community_id: int
    terms: bytes


class Postings:
    """Terms with the numbers of the texts that have them. ``wide`` has terms of 64 bits."""

    __slots__ = ("_counts", "_payload", "_starts", "_terms")

    def __init__(self, body: bytes, *, wide: bool = False) -> None:
        size = 8 if wide else 4
        (count,) = _read("H", body[:2])
        self._terms = _read("Q" if wide else "I", body[2 : 2 + size * count])
        end = 2 + (size + 2) * count
        self._counts = _read("H", body[2 + size * count : end])
        self._payload = body[end:]
        self._starts: list[int] | None = None

    @property
    def terms(self) -> Sequence[int]:
        return self._terms

    def find(self, low: int, high: int) -> list[bytes]:
        """The texts of the terms from ``low`` to ``high``, each as it is stored."""
        first = bisect_left(self._terms, low)
        last = bisect_right(self._terms, high)
        if first == last:
            return []
        start = sum(map(_bytes_of, self._counts[:first]))
        found = []
        for count in self._counts[first:last]:
            end = start + _bytes_of(count)
            found.append(self._payload[start:end])
            start = end
        return found

    def items(self) -> Iterator[tuple[int, set[int]]]:
        start = 0
        for term, count in zip(self._terms, self._counts, strict=True):
            end = start + _bytes_of(count)
            yield term, numbers_of(self._payload[start:end])
            start = end


def numbers_of(stored: bytes) -> set[int]:
    """Of one term."""
    if len(stored) < _BITMAP:
        return set(_read("H", stored))
    bits = int.from_bytes(stored, "little")
    return {number for number, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"}


def in_all(conditions: Sequence[Sequence[bytes]]) -> set[int]:
    """The texts that have one term at least of each condition."""
    wanted = sorted(conditions, key=lambda stored: sum(map(len, stored)))
    found: set[int] | None = None
    for stored in wanted:
        if found is None:
            found = set().union(*map(numbers_of, stored)) if len(stored) != 1 else numbers_of(stored[0])
        elif len(stored) == 1 and len(stored[0]) == _BITMAP:
            bits = stored[0]
            found = {number for number in found if bits[number >> 3] >> (number & 7) & 1}
        else:
            found &= set().union(*map(numbers_of, stored))
        if not found:
            return set()
    return found or set()


def encode(postings: Mapping[int, Iterable[int]], *, wide: bool = False) -> bytes:
    terms = sorted(postings)
    counts, payload = array("H"), bytearray()
    for term in terms:
        numbers = sorted(postings[term])
        if len(numbers) < _LISTED:
            counts.append(len(numbers))
            payload += little(array("H", numbers)).tobytes()
        else:
            counts.append(_LISTED)
            bits = bytearray(_BITMAP)
            for number in numbers:
                bits[number >> 3] |= 1 << (number & 7)
            payload += bits
    head = little(array("H", [len(terms)])).tobytes()
    names = little(array("Q" if wide else "I", terms)).tobytes()
    return head + names + little(counts).tobytes() + bytes(payload)


def encode_directory(keys: Sequence[Key]) -> bytes:
    """Of at most ``ENTRIES`` texts, in their order. A kind of 0 is a text that is no more."""
    return (
        bytes(key.kind for key in keys)
        + little(array("q", [key.at for key in keys])).tobytes()
        + little(array("q", [key.ref for key in keys])).tobytes()
    )


def decode_directory(body: bytes) -> list[Key]:
    count = len(body) // 17
    ats, refs = _read("q", body[count : 9 * count]), _read("q", body[9 * count :])
    return [Key(*entry) for entry in zip(ats, body[:count], refs, strict=True)]


def build(entries: Sequence[Entry]) -> tuple[dict[int, bytes], list[Key]]:
    """The pages of a segment by their numbers, and its texts in order. At most ``SEGMENT`` entries."""
    ordered = sorted(entries, key=lambda entry: entry.key)
    pages: dict[int, dict[int, list[int]]] = {number: {} for number in range(BUCKETS)}
    communities: dict[int, list[int]] = {}
    for number, entry in enumerate(ordered):
        communities.setdefault(entry.community_id, []).append(number)
        for term in unpack_terms(entry.terms):
            pages[bucket_of(term)].setdefault(term, []).append(number)
    bodies = {number: encode(postings) for number, postings in pages.items() if postings}
    bodies[COMMUNITIES] = encode(communities, wide=True)
    keys = [entry.key for entry in ordered]
    for start in range(0, len(keys), ENTRIES):
        bodies[DIRECTORY + start // ENTRIES] = encode_directory(keys[start : start + ENTRIES])
    return bodies, keys


def page_key(segment_id: int, number: int) -> int:
    return segment_id * _SLOTS + number


def page_number(key: int) -> int:
    return key % _SLOTS


def segment_of(key: int) -> int:
    return key // _SLOTS


def whole(segment_id: int) -> tuple[int, int]:
    """The lowest and the highest key of a segment's pages."""
    return page_key(segment_id, 0), page_key(segment_id, _SLOTS - 1)


def _bytes_of(count: int) -> int:
    return _BITMAP if count >= _LISTED else 2 * count


def _read(kind: str, body: bytes) -> Numbers:
    numbers: Numbers = array(kind)
    numbers.frombytes(body)
    return little(numbers)
