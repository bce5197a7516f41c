"""Keeps a number of worker processes running: starts, watches, restarts and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson
import structlog

log = structlog.get_logger("supervisor")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a supervisor is. Seconds, unless it says otherwise."""

    start: float = 60.0  # for a worker to listen; then it is killed
    drain: float = 35.0  # for a worker to end; then it is killed. Containers are given 45 (docker-compose.yml)
    steady: float = 30.0  # who lives so long did not die of its start: the next one is started at once
    first_wait: float = 0.5  # before the second start in a row; doubled for each further one
    longest_wait: float = 30.0
    look: float = 10.0  # between two looks whether a worker answers
    misses: int = 3  # looks in a row without an answer, after which it is killed: its loop hangs
    attempts: int = 4  # starts of each worker that may fail in a row, before it is given up where none runs

    def wait(self, deaths: int) -> float:
        """Seconds before the next start, after so many early deaths in a row."""
        return 0.0 if deaths <= 1 else min(self.first_wait * 2.0 ** min(deaths - 2, 20), self.longest_wait)


class Worker:
    """One process. A line of its output says that it listens; it ends when its input ends."""

    def __init__(self, number: int, process: asyncio.subprocess.Process) -> None:
        self.number = number
        self.pid = process.pid
        self._process = process
        self.ended = asyncio.create_task(self._watch(), name=f"worker {number}")
        self._listens: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def listens(self, within: float) -> bool:
        """Whether it does, as soon as that is known; who is too slow is killed."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._listens), within)
        except TimeoutError:
            log.error("a worker did not start in time", worker=self.number, pid=self.pid, seconds=within)
            self.send(signal.SIGKILL)
            await self.ended
            return False

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            self._process.send_signal(number)

    async def _watch(self) -> int:
        output = self._process.stdout
        if output is None:
            raise RuntimeError("its output must be a pipe")
        self._listens.set_result(await _said_listening(output))
        while await output.read(65_536):  # a full pipe would hold it up
            pass
        return await self._process.wait()


class Supervisor:
    """``count`` workers, numbered from 1. ``command`` gives the command line of one; ``on_open`` is called once, when
    those listen that can; ``on_end`` with the number and the process id of each that has ended; ``answers`` says
    whether one does, and waits a second at most."""

    def __init__(
        self,
        count: int,
        command: Callable[[int], Sequence[str]],
        *,
        on_open: Callable[[], None],
        on_end: Callable[[int, int], None],
        answers: Callable[[int, int], Awaitable[bool]],
        pace: Pace | None = None,
    ) -> None:
        self._count = count
        self._command = command
        self._on_open = on_open
        self._on_end = on_end
        self._answers = answers
        self._pace = pace or Pace()
        self._current: dict[int, Worker] = {}  # those that listen, by number
        self._living: set[Worker] = set()  # and those that start or drain: at most two of one number
        self._failed = dict.fromkeys(range(1, count + 1), 0)  # starts in a row that came to nothing
        self._tried: set[int] = set()
        self._starting = {number: asyncio.Lock() for number in self._failed}
        self._opened = False
        self._stopping = asyncio.Event()
        self._asked = asyncio.Event()  # for a rolling restart
        self._unclean = False

    def stop(self) -> None:
        """End all workers, and then ``run``."""
        self._stopping.set()
        self._asked.set()

    def restart(self) -> None:
        """Replace the workers, one after the other; asked for again meanwhile, once more after that."""
        self._asked.set()

    async def run(self) -> bool:
        """Until ``stop``, or until no worker can start. Whether it ended as it should."""
        async with asyncio.TaskGroup() as tasks:
            for number in self._failed:
                tasks.create_task(self._keep(number))
            tasks.create_task(self._roll())
            await self._stopping.wait()
            log.info("stopping", workers=len(self._living))
            await asyncio.gather(*(self._end(worker) for worker in list(self._living)))
        return not self._unclean

    async def _keep(self, number: int) -> None:
        """One worker of this number after the other, until the end."""
        loop, deaths = asyncio.get_running_loop(), 0
        while not self._stopping.is_set():
            began = loop.time()
            async with self._starting[number]:
                worker = self._current.get(number) or await self._begin(number)
            if worker is not None:
                status = await self._watch(worker)
                if self._current.get(number) is not worker:
                    continue  # a rolling restart has put another in its place
                del self._current[number]
                if not self._stopping.is_set():
                    log.error("a worker died", worker=number, pid=worker.pid, status=status)
            if worker is None and self._given_up():
                return
            deaths = deaths + 1 if worker is None or loop.time() - began < self._pace.steady else 1
            wait = self._pace.wait(deaths)
            if not self._stopping.is_set():
                log.info("starting a worker again", worker=number, wait=wait)
                await self._pause(wait)

    async def _watch(self, worker: Worker) -> int:
        """Until it ends, by itself or since it hangs. Its status."""
        missed = 0
        while not (await asyncio.wait({worker.ended}, timeout=self._pace.look))[0]:
            missed = 0 if await self._answers(worker.number, worker.pid) else missed + 1
            if missed == self._pace.misses:
                log.error("a worker hangs", worker=worker.number, pid=worker.pid)
                worker.send(signal.SIGKILL)
        return await worker.ended

    async def _begin(self, number: int) -> Worker | None:
        worker = await self._start(number)
        self._tried.add(number)
        if worker is None:
            self._failed[number] += 1
        else:
            self._failed[number] = 0
            self._current[number] = worker
        if not self._opened and self._current and len(self._tried) == self._count:
            self._opened = True
            self._on_open()
        return worker

    def _given_up(self) -> bool:
        """Whether none runs and none can be started: then this is the end."""
        if self._current or min(self._failed.values()) < self._pace.attempts or self._stopping.is_set():
            return False
        log.error("no worker can be started: the lines above say why", attempts=self._pace.attempts)
        self._unclean = True
        self.stop()
        return True

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _start(self, number: int) -> Worker | None:
        """A worker that listens; None where it ended before it did."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(number),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C and a terminal that closes are told by us
            )
        except OSError as failure:  # no memory, too many processes
            log.error("a worker cannot be started", worker=number, error=repr(failure))
            return None
        worker = Worker(number, process)
        self._living.add(worker)
        worker.ended.add_done_callback(lambda _: self._forget(worker))
        if self._stopping.is_set():
            await self._end(worker)
            return None
        if await worker.listens(self._pace.start):
            log.info("a worker listens", worker=number, pid=worker.pid)
            return worker
        status = await worker.ended
        if not self._stopping.is_set():
            log.error("a worker ended before it listened", worker=number, pid=worker.pid, status=status)
        return None

    def _forget(self, worker: Worker) -> None:
        self._living.discard(worker)
        self._on_end(worker.number, worker.pid)

    async def _end(self, worker: Worker) -> None:
        """Let it drain; who takes too long is killed."""
        worker.send(signal.SIGTERM)
        try:
            status = await asyncio.wait_for(asyncio.shield(worker.ended), self._pace.drain)
        except TimeoutError:
            log.error("a worker did not end in time", worker=worker.number, pid=worker.pid, seconds=self._pace.drain)
            worker.send(signal.SIGKILL)
            status = await worker.ended
        if self._stopping.is_set() and status not in (0, -signal.SIGTERM):  # the latter: it had heard no signals yet
            self._unclean = True

    async def _roll(self) -> None:
        while not self._stopping.is_set():
            await self._asked.wait()
            self._asked.clear()
            for number in self._failed:
                if self._stopping.is_set():
                    return
                if not await self._replace(number):
                    if self._stopping.is_set():
                        return
                    log.error("the rolling restart is given up: a new worker does not start, the old ones go on")
                    break
            else:
                log.info("the rolling restart is done", workers=self._count)

    async def _replace(self, number: int) -> bool:
        """Start a new worker of this number, then let the old one drain: there are never fewer than before."""
        async with self._starting[number]:
            new = await self._start(number)
            if new is None:
                return False
            old = self._current.get(number)
            self._current[number] = new
        if old is not None:
            await self._end(old)
        return True


async def _said_listening(output: asyncio.StreamReader) -> bool:
    """Whether it says so before its output ends. What a library prints before that is passed over."""
    while True:
        try:
            line = await output.readline()
        except ValueError:  # longer than the reader keeps, 64 KiB: no line of ours
            continue
        if not line or _says_listening(line):
            return bool(line)


def _says_listening(line: bytes) -> bool:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, dict) and told.get("event") == "listening"
