"""Thousands of Socket.IO clients in one thread: one epoll, one ``recv`` per readable socket, no tasks.

It counts exactly: every phase states how many answers it expected, how many came, and how many came out of
order. It also states how busy it was itself. Above ``sample.BUSY`` the rates of a phase are its own and not
the server's; the server's CPU per operation stays true, because that is read from the server's process.
"""

from __future__ import annotations

import itertools
import json
import re
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from benchmarks import wire
from benchmarks.client import Client, Door, LoadError
from benchmarks.sample import Phase

RECV = 64 * 1024  # bytes read from a socket at a time
MEMO = 256  # parsed reads remembered; a broadcast is the same bytes on every socket
QUIET_LIMIT = 30.0  # seconds without an answer after which what has not come counts as missing
PHASE_LIMIT = 600.0  # seconds that any phase may take; a busy machine is slow, which is not missing
MAX_CONNECTIONS = 15_000  # of one process; the usual limit of open files is 20,000
_PING_INTERVAL = re.compile(rb'"pingInterval":\s*(\d+)')
_NUMBER = re.compile(rb'"n":\s*(\d+)')


class Load:
    """The clients of one server. Use it as a context manager: it closes what it opened."""

    def __init__(self, port: int, door: Door, *, limit: float = QUIET_LIMIT, others: Sequence[int] = ()) -> None:
        """``others``: ports of more nodes of the server; clients go to all of them in turn, the first to ``port``."""
        self._limit = limit
        self._ports = itertools.cycle((port, *others))
        self._door = door
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._ready: list[Client] = []
        self._memo: dict[bytes, tuple[wire.Frame, ...]] = {}
        self._request = wire.upgrade_request(port)
        self._prefix = f"{door.namespace},".encode()
        self._enter = wire.client_frame(b"40" + self._prefix + json.dumps(door.auth).encode())
        self._latencies: list[float] = []
        self.ping_interval = 25.0  # seconds, as the server last said
        self.pings = 0
        self.other = 0  # packets that no phase asked for

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            # a reset: thousands of ports in TIME_WAIT would be missing in the next round
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sock.close()
        self._clients.clear()
        self._ready.clear()
        self._poll.close()

    @property
    def connected(self) -> int:
        return len(self._ready)

    # ---- the four phases ----

    def connect(self, count: int, *, at_once: int = 64) -> Phase:
        """Open ``count`` more clients, ``at_once`` of them under way, each up to the namespace's welcome."""
        if len(self._clients) + count > MAX_CONNECTIONS:
            raise LoadError(f"one load process holds at most {MAX_CONNECTIONS} connections")
        goal, begun = len(self._ready) + count, 0

        def step() -> bool:
            nonlocal begun
            while begun < count and len(self._clients) - len(self._ready) < at_once:
                self._begin()
                begun += 1
            return len(self._ready) >= goal

        return self._phase(count, step)

    def echo(self, total: int, text: str) -> Phase:
        """``total`` echoes with ack, one at a time on each client, all clients at once."""
        clients = self._ready[:total]
        each = total // len(clients)
        said = {self._door.echo_field: text} if self._door.echo_field else text
        body = json.dumps(["echo", said], separators=(",", ":")).encode()
        frames = [wire.client_frame(b"42" + self._prefix + b"%d" % number + body) for number in range(each)]
        heads = [b"43" + self._prefix + b"%d[" % number for number in range(each)]
        proof, wrong = text.encode(), 0

        def acked(client: Client, packet: bytes) -> None:
            nonlocal wrong
            now = time.perf_counter()
            if not packet.startswith(b"43"):
                self.other += 1
                return
            if not packet.startswith(heads[client.at]) or proof not in packet:
                wrong += 1
            self._latencies.append(now - client.sent_at)
            client.at += 1
            if client.at < each:
                client.sent_at = now
                self._send(client, frames[client.at])

        def start() -> None:
            for client in clients:
                client.feed, client.at, client.sent_at = acked, 0, time.perf_counter()
                self._send(client, frames[0])

        expected = each * len(clients)
        return self._phase(expected, lambda: len(self._latencies) >= expected, start, lambda: wrong)

    def ask(self, event: str, argument: Any) -> Any:
        """One event of the first client and the data of its ack, outside of all measuring."""
        client, answers = self._ready[0], list[bytes]()
        client.feed = lambda _, packet: answers.append(packet)
        body = json.dumps([event, argument], separators=(",", ":")).encode()
        self._send(client, wire.client_frame(b"42" + self._prefix + b"0" + body))
        phase = self._phase(0, lambda: bool(answers))
        if not answers:
            raise LoadError(f"{event} was not answered within {phase.wall:.0f} s")
        answer = json.loads(answers[0].removeprefix(b"43" + self._prefix + b"0"))[0]
        return answer["data"] if "ok" in answer else answer

    def broadcast(self, count: int, text: str, *, window: int = 2) -> Phase:
        """``count`` broadcasts to every client, at most ``window`` of them not yet seen by all.

        The first client asks for each; the latency of a delivery runs from that asking.
        """
        size = len(self._ready)
        arrived, asked = [0] * count, [0.0] * count
        numbers: dict[bytes, int] = {}
        begun = done = wrong = 0

        def seen(client: Client, packet: bytes) -> None:
            nonlocal done, wrong
            number = numbers.get(packet)
            if number is None:
                match = _NUMBER.search(packet)
                if match is None:
                    self.other += 1
                    return
                number = numbers[packet] = int(match[1])
            if number != client.last + 1:
                wrong += 1
            client.last = number
            self._latencies.append(time.perf_counter() - asked[number])
            arrived[number] += 1
            if arrived[number] == size:
                done += 1

        def step() -> bool:
            nonlocal begun
            while begun < count and begun - done < window:
                asked[begun] = time.perf_counter()
                self._send(self._ready[0], self._broadcast_frame(begun, text))
                begun += 1
            return done >= count

        def start() -> None:
            for client in self._ready:
                client.feed, client.last = seen, -1

        return self._phase(count * size, step, start, lambda: wrong)

    def idle(self, seconds: float) -> Phase:
        """Only answer pings for ``seconds``. Nothing is expected; a lost client raises ``LoadError``."""
        until = time.monotonic() + seconds
        return self._phase(0, lambda: time.monotonic() >= until, allowed=seconds)

    # ---- the loop ----

    def _phase(
        self,
        expected: int,
        step: Callable[[], bool],
        start: Callable[[], None] | None = None,
        wrong: Callable[[], int] = lambda: 0,
        allowed: float = 0.0,
    ) -> Phase:
        latencies: list[float] = []
        self._latencies = latencies
        began, worked = time.perf_counter(), time.thread_time()
        if start is not None:
            start()
        heard, count, end = began + allowed, 0, began + allowed + PHASE_LIMIT
        while not step() and time.perf_counter() < min(heard + self._limit, end):
            self._turn()
            if len(latencies) > count:
                heard, count = max(heard, time.perf_counter()), len(latencies)
        wall = time.perf_counter() - began
        return Phase(expected, latencies, wrong(), wall, (time.thread_time() - worked) / max(wall, 1e-9))

    def _turn(self) -> None:
        for fd, _ in self._poll.poll(0.05):
            client = self._clients[fd]
            if not client.up:
                self._established(client)
                continue
            try:
                data = client.sock.recv(RECV)
            except BlockingIOError:
                continue
            except OSError as failure:
                raise LoadError(f"a connection broke: {failure}") from failure
            if not data:
                raise LoadError("the server closed a connection")
            self._read(client, data)

    def _read(self, client: Client, data: bytes) -> None:
        if client.rest:
            data, client.rest = client.rest + data, b""
        if client.head:
            head, ended, data = data.partition(b"\r\n\r\n")
            if not ended:
                client.rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise LoadError(f"the upgrade was answered with {head[:60]!r}")
            client.head = False
        frames = self._memo.get(data)
        if frames is None:
            parsed, client.rest = wire.server_frames(data)
            frames = tuple(parsed)
            if not client.rest:
                if len(self._memo) >= MEMO:
                    self._memo.clear()
                self._memo[data] = frames
        for opcode, payload in frames:
            if opcode == wire.TEXT:
                if payload == b"2":
                    self.pings += 1
                    self._send(client, _PONG)
                else:
                    client.feed(client, payload)
            elif opcode == wire.PING:
                self._send(client, wire.client_frame(payload, wire.PONG))
            elif opcode == wire.CLOSE:
                raise LoadError(f"the server closed a connection: {payload!r}")

    # ---- connecting ----

    def _begin(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(sock, self._opened)
        self._clients[sock.fileno()] = client
        sock.connect_ex(("127.0.0.1", next(self._ports)))
        self._poll.register(sock.fileno(), select.EPOLLOUT)

    def _established(self, client: Client) -> None:
        error = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise LoadError(f"the server does not accept connections: error {error}")
        client.up = True
        self._poll.modify(client.sock.fileno(), select.EPOLLIN)
        if self._door.raw:
            client.head = False
            self._welcomed(client)
        else:
            self._send(client, self._request)

    def _opened(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"0{"):
            raise LoadError(f"expected the Engine.IO handshake, got {packet[:60]!r}")
        if match := _PING_INTERVAL.search(packet):
            self.ping_interval = int(match[1]) / 1000
        client.feed = self._entered
        self._send(client, self._enter)

    def _entered(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"40" + self._prefix):
            raise LoadError(f"the namespace answered {packet[:120]!r}")
        self._welcomed(client)

    def _welcomed(self, client: Client) -> None:
        self._latencies.append(time.perf_counter() - client.began)
        client.feed = self._unasked
        self._ready.append(client)

    def _unasked(self, _: Client, __: bytes) -> None:
        self.other += 1

    # ---- sending ----

    def _broadcast_frame(self, number: int, text: str) -> bytes:
        if self._door.raw:
            return raw_frame(number, text)
        body = json.dumps(["broadcast", {"n": number, "text": text}], separators=(",", ":"))
        return wire.client_frame(b"42" + self._prefix + body.encode())

    def _send(self, client: Client, frame: bytes) -> None:
        try:
            sent = client.sock.send(frame)
        except OSError as failure:
            raise LoadError(f"a connection broke: {failure}") from failure
        if sent != len(frame):
            raise LoadError("the server does not read what it is sent")


def raw_frame(number: int, text: str) -> bytes:
    """The server's own frame of one broadcast. The limit program copies it, so all of a run have one size:
    the number takes five places, and ``text`` is the same each time (92 to 60,000 bytes)."""
    payload = b'42/app,["news",{"text":"%b","n": %5d}]' % (text.encode(), number)
    return struct.pack("!BBH", 0x80 | wire.TEXT, 126, len(payload)) + payload


_PONG = wire.client_frame(b"3")
