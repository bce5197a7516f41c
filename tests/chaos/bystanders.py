"""Members who mean no harm and ask for the clock all the time, in a process of their own.

    python -m tests.chaos.bystanders      # a JSON line of {"port", "tokens", "core"} comes in

It prints a line when all are members, and then for each line that comes in one of what was seen since the last. The
question is asked when it is due, whether or not the one before it was answered.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

import orjson

from tests.chaos.hostile import HANDSHAKE, frame
from tests.chaos.mutations import SPACE

EVERY = 0.05  # seconds between two questions of one of them
WITHIN = 30.0  # seconds to become a member
MOST = 100  # questions of one that wait for an answer; beyond it asks no more until one comes
TIMESTAMP = 35  # SO_TIMESTAMPNS of Linux: the kernel says when it had what it hands out
PING, PONG = b"\x81\x012", frame(b"3")
ACK = b"43" + SPACE.encode() + b","


@dataclass(slots=True)
class Seen:
    """Milliseconds. ``served``: from a question to the moment when the kernel had the answer, which is the server's
    time; ``late``: from there until this process looked, which is not; ``unanswered``: how long questions wait yet."""

    served: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    unanswered: list[float] = field(default_factory=list)


class Bystander:
    def __init__(self, port: int, token: str, due: float) -> None:
        self.due = due
        self.asked: dict[int, int] = {}  # nanoseconds of the clock that the kernel stamps with
        self._number = 0
        self.socket = socket.create_connection(("127.0.0.1", port), WITHIN)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(HANDSHAKE + frame(f"40{SPACE},".encode() + orjson.dumps({"token": token})))
        self._rest = b""
        while b"unread-notifications" not in self._rest:
            more = self.socket.recv(65_536)
            if not more:
                raise ConnectionError(f"not let in: {self._rest[-200:]!r}")
            self._rest += more
        self._rest = b""
        self.socket.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
        self.socket.setblocking(False)

    def ask(self) -> None:
        self.due += EVERY
        if len(self.asked) < MOST:
            self._number += 1
            self.asked[self._number] = time.time_ns()
            self.socket.send(frame(f'42{SPACE},{self._number}["clock",{{"t0":0}}]'.encode()))

    def look(self, seen: Seen) -> None:
        data, notes, _, _ = self.socket.recvmsg(65_536, 64)
        now = time.time_ns()
        if not data:
            raise ConnectionError("a bystander was put out")
        had = next((s * 10**9 + ns for _, kind, told in notes if kind == TIMESTAMP for s, ns in _TIMES(told)), now)
        if PING in data:
            self.socket.send(PONG)
        *acks, self._rest = (self._rest + data).split(b"]")  # none within an ack of the clock
        for ack in acks:
            at = ack.find(ACK)
            if at >= 0:
                asked = self.asked.pop(int(ack[at + len(ACK) : ack.index(b"[", at)]))
                seen.served.append((had - asked) / 1e6)
                seen.late.append((now - had) / 1e6)


_TIMES = struct.Struct("qq").iter_unpack


def main() -> None:
    given = orjson.loads(sys.stdin.buffer.readline())
    if given["core"] is not None:
        os.sched_setaffinity(0, {given["core"]})
    people: list[Bystander] = []
    began = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        for number, token in enumerate(given["tokens"]):  # their questions are spread
            people.append(Bystander(given["port"], token, began + EVERY * number / len(given["tokens"])))
            selector.register(people[-1].socket, selectors.EVENT_READ, people[-1])
        for person in people:
            person.due += EVERY * ((time.monotonic() - began) // EVERY + 1)
        seen = Seen()
        print("ready", flush=True)
        while True:
            now = time.monotonic()
            for person in people:
                if person.due <= now:
                    person.ask()
            for key, _ in selector.select(max(0.0, min(person.due for person in people) - time.monotonic())):
                if key.data is not None:
                    key.data.look(seen)
                elif not os.read(key.fd, 1):
                    return
                else:
                    now_ns = time.time_ns()
                    seen.unanswered = [(now_ns - at) / 1e6 for person in people for at in person.asked.values()]
                    print(orjson.dumps(seen).decode(), flush=True)
                    seen = Seen()


if __name__ == "__main__":
    main()
