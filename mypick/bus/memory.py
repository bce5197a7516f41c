"""The bus of one process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import structlog

from mypick.bus.protocol import MessageHandler
from mypick.metrics import Metrics

log = structlog.get_logger(__name__)


class MemoryExchange:
    """Where the memory buses of one event loop meet, each as a node of its own."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, dict[MemoryBus, None]] = defaultdict(dict)
        self._buses: dict[MemoryBus, None] = {}
        self._up = True

    @property
    def up(self) -> bool:
        return self._up

    def interrupt(self) -> None:
        """From now on messages are dropped, as when a Redis is away: for tests of what depends on the bus."""
        self._up = False
        for bus in self._buses:
            bus._show_whether_up()

    def mend(self) -> None:
        """End an interruption; every bus tells its listener of the gap."""
        if self._up:
            return
        self._up = True
        for bus in tuple(self._buses):
            bus._mended()

    def attach(self, bus: MemoryBus) -> None:
        self._buses[bus] = None

    def detach(self, bus: MemoryBus, channels: Iterable[str]) -> None:
        self._buses.pop(bus, None)
        self.unsubscribe(bus, channels)

    def subscribe(self, bus: MemoryBus, channels: Iterable[str]) -> None:
        for channel in channels:
            self._listeners[channel][bus] = None

    def unsubscribe(self, bus: MemoryBus, channels: Iterable[str]) -> None:
        for channel in channels:
            listeners = self._listeners.get(channel, {})
            listeners.pop(bus, None)
            if not listeners:
                self._listeners.pop(channel, None)

    def hand_out(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Deliver on the loop's next turn: a handler that publishes must not overtake the message it handles."""
        mail: defaultdict[MemoryBus, list[tuple[str, bytes]]] = defaultdict(list)
        for message in messages:
            for bus in self._listeners.get(message[0], ()):
                mail[bus].append(message)
        loop = asyncio.get_running_loop()
        for bus, letters in mail.items():
            loop.call_soon(bus._deliver, letters)


class MemoryBus:
    """A node's place at a ``MemoryExchange``. Buses that share one exchange hear each other."""

    def __init__(self, exchange: MemoryExchange | None = None, *, metrics: Metrics | None = None) -> None:
        self._exchange = exchange or MemoryExchange()
        self._metrics = metrics or Metrics.unread()
        self._channels: set[str] = set()
        self._handler: MessageHandler | None = None  # None before start and after close
        self._on_gap: Callable[[], None] = lambda: None

    @property
    def up(self) -> bool:
        return self._handler is not None and self._exchange.up

    async def start(self, handler: MessageHandler, on_gap: Callable[[], None]) -> None:
        self._handler, self._on_gap = handler, on_gap
        self._exchange.attach(self)
        self._exchange.subscribe(self, self._channels)
        self._show_whether_up()

    async def close(self) -> None:
        self._handler = None
        self._exchange.detach(self, self._channels)
        self._show_whether_up()

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        if not self.up:
            self._metrics.bus_dropped.inc(len(messages))
            return
        self._metrics.bus_published.inc(len(messages))
        self._exchange.hand_out(messages)
        # One turn of the loop: the messages are delivered when this returns, so a publisher in a tight loop
        # never has more than one batch waiting.
        await asyncio.sleep(0)

    async def subscribe(self, channels: Iterable[str]) -> None:
        wanted = list(channels)
        self._channels.update(wanted)
        if self._handler is not None:
            self._exchange.subscribe(self, wanted)

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        unwanted = list(channels)
        self._channels.difference_update(unwanted)
        self._exchange.unsubscribe(self, unwanted)

    async def ping(self) -> float:
        if not self.up:
            raise ConnectionError("the memory bus is interrupted or closed")
        return 0.0

    def _show_whether_up(self) -> None:
        self._metrics.bus_up.set(self.up)

    def _mended(self) -> None:
        self._show_whether_up()
        self._metrics.bus_reconnects.inc()
        try:
            self._on_gap()
        except Exception:
            log.exception("the listener failed on a gap")

    def _deliver(self, letters: Sequence[tuple[str, bytes]]) -> None:
        for channel, payload in letters:
            if self._handler is None or channel not in self._channels or not self._exchange.up:
                continue
            self._metrics.bus_received.inc()
            try:
                self._handler(channel, payload)
            except Exception:
                log.exception("the listener failed on a message", channel=channel)
