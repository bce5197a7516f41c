"""Scenes in JavaScript: a Node.js process plays the people, this process keeps the stage.

A scene is an exported async function of a ``.mjs`` file, called with the ``Stage`` of ``stage.mjs``. What only this
side can do (publish on the platform, kill the server) it asks for in lines of JSON; an assertion that fails there
fails here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

from tests.e2e.stack import Stack
from tests.installed import NODE

HERE = Path(__file__).parent
LONGEST = 150.0  # seconds of one scene
MAX_LINE = 1024 * 1024  # bytes of one line that a scene writes
MARK = b"@ask "


def scenes_of(file: str) -> list[str]:
    """The names of the scenes in ``file``, in their order."""
    return re.findall(r"^export async function (\w+)", (HERE / file).read_text(), re.MULTILINE)


class Scenes:
    """Plays scenes, each in a process of its own and for ``longest`` seconds at most."""

    def __init__(self, *, longest: float = LONGEST) -> None:
        self._longest = longest
        self._left: list[psutil.Process] = []

    async def play(
        self,
        file: str,
        scene: str,
        stack: Stack,
        *,
        also: Mapping[str, Callable[..., Any]] | None = None,
        **given: Any,
    ) -> list[str]:
        """Play ``scene`` of ``file`` on ``stack``; ``given`` reaches it as ``stage.given``. ``also``: more that it may
        ask for. What it printed."""
        told = {"url": stack.url, "given": given}
        process = await asyncio.create_subprocess_exec(
            str(NODE),
            str(HERE / "play.mjs"),
            str(HERE / file),
            scene,
            orjson.dumps(told).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=MAX_LINE,
        )
        said: list[str] = []
        try:
            async with asyncio.timeout(self._longest):
                await self._serve(process, {**_services(stack), **(also or {})}, said)
                await process.wait()
        except TimeoutError:
            said.append(f"the scene was not over after {self._longest:g} s")
        finally:
            await self._end(process)
        assert process.returncode == 0, f"{scene}\n" + "\n".join(said[-80:])
        return said

    async def _serve(
        self, process: asyncio.subprocess.Process, services: Mapping[str, Callable[..., Any]], said: list[str]
    ) -> None:
        assert process.stdout
        assert process.stdin
        async for line in process.stdout:
            if not line.startswith(MARK):
                said.append(line.decode(errors="replace").rstrip())
                continue
            asked = orjson.loads(line.removeprefix(MARK))
            result = services[asked["what"]](*asked["arguments"])
            if isinstance(result, Awaitable):
                result = await result
            process.stdin.write(orjson.dumps({"n": asked["n"], "result": result}) + b"\n")

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """A scene that is over has ended what it began; one that was cut short is ended with all of its processes."""
        if process.returncode is not None:
            return
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        for member in family:
            self._left.append(member)
            member.kill()
        await process.wait()

    def close(self) -> list[psutil.Process]:
        """Processes of scenes that still live."""
        _, alive = psutil.wait_procs(self._left, timeout=5)
        return list(alive)


def _services(stack: Stack) -> dict[str, Callable[..., Any]]:
    emulator, server = stack.emulator, stack.server

    async def restart() -> None:
        """Come back on the same port."""
        await server.start()

    return {
        "channel": emulator.add_channel,
        "publish": emulator.publish,
        "go_live": emulator.go_live,
        "latency": emulator.latency,
        "kill": server.kill,
        "restart": restart,
        "failures": lambda: [str(line)[:2_000] for line in stack.failures()],
    }
