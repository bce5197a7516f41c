"""The real nginx with the real configuration, in front of two small servers."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from config.settings import Settings
from tests.servers.base import free_port

FILE = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_LIMIT = 10.0  # seconds

needs_nginx = pytest.mark.skipif(NGINX is None or sys.platform != "linux", reason="needs nginx")


class Upstream:
    """A server that tells who it is and what it was sent."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def http(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"server": self.name, "headers": dict(request.headers)})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await self.http(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(self.name)
        await socket.close()
        return socket

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        app = web.Application(client_max_size=2 << 20)
        app.router.add_route("*", "/socket.io/", self.socket)
        app.router.add_route("*", "/{path:.*}", self.http)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


@contextmanager
def configuration(folder: Path, listen: int, first: int, second: int) -> Iterator[Path]:
    """The file as it is, but for addresses, temporary paths and limits that belong to a container."""
    text = FILE.read_text()
    for old, new in (
        ("server-1:4000", f"127.0.0.1:{first}"),
        ("server-2:4000", f"127.0.0.1:{second}"),
        ("listen 80 ", f"listen 127.0.0.1:{listen} "),
        (" /tmp/", f" {folder}/"),
        ("worker_processes auto", "worker_processes 1"),
        ("65536", "4096"),
        ("32768", "1024"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "nginx.conf"
    path.write_text(text)
    yield path


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[str]:
    """The address of nginx before servers ``one`` and ``two``."""
    async with Upstream("one").running() as first, Upstream("two").running() as second:
        port = free_port()
        with configuration(tmp_path, port, first, second) as path:
            # as root its workers would become nobody, who may not enter the folder of a test
            user = " user root;" if os.geteuid() == 0 else ""
            process = await asyncio.create_subprocess_exec(
                str(NGINX), "-c", str(path), "-g", f"daemon off;{user}", stderr=asyncio.subprocess.PIPE
            )
            try:
                await answering(f"http://127.0.0.1:{port}/nginx-health", process)
                yield f"http://127.0.0.1:{port}"
            finally:
                if process.returncode is None:
                    process.send_signal(signal.SIGTERM)
                await process.communicate()


async def answering(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_LIMIT), aiohttp.ClientSession() as session:
        while True:
            if process.returncode is not None:
                _, said = await process.communicate()
                pytest.fail(f"nginx did not start: {said.decode()}")
            try:
                async with session.get(url) as response:
                    assert await response.text() == "ok\n"
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)  # between two attempts; the timeout above bounds them


async def served(session: aiohttp.ClientSession, url: str, **given: Any) -> dict[str, Any]:
    async with session.get(url, **given) as response:
        assert response.status == 200
        body: dict[str, Any] = await response.json()
        return body


@needs_nginx
async def test_all_polls_of_a_client_reach_one_server(front: str) -> None:
    async with aiohttp.ClientSession() as session:
        polls = [f"/socket.io/?EIO=4&transport=polling&sid={number}" for number in range(12)]
        opened = await served(session, f"{front}/socket.io/?EIO=4&transport=polling")
        assert {(await served(session, front + poll))["server"] for poll in polls} == {opened["server"]}


@needs_nginx
async def test_an_upgrade_from_polling_stays_with_its_server(front: str) -> None:
    async with aiohttp.ClientSession() as session:
        opened = await served(session, f"{front}/socket.io/?EIO=4&transport=polling")
        for number in range(4):
            address = f"{front}/socket.io/?EIO=4&transport=websocket&sid={number}"
            async with session.ws_connect(address) as socket:
                assert await socket.receive_str() == opened["server"]


@needs_nginx
async def test_sockets_that_begin_as_websockets_and_requests_are_shared_out(front: str) -> None:
    async with aiohttp.ClientSession() as session:
        seen = set()
        for _ in range(6):
            async with session.ws_connect(f"{front}/socket.io/?EIO=4&transport=websocket") as socket:
                seen.add(await socket.receive_str())
        assert seen == {"one", "two"}
        answers = [await served(session, f"{front}/api/v1/creators") for _ in range(6)]
        assert {answer["server"] for answer in answers} == {"one", "two"}


@needs_nginx
async def test_servers_learn_who_asked_and_where(front: str) -> None:
    async with aiohttp.ClientSession() as session:
        sent = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Host": "mypick.example"}
        headers = (await served(session, f"{front}/", headers=sent))["headers"]
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"  # the last entry is nginx's own word
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["Host"] == headers["X-Forwarded-Host"] == "mypick.example"


@needs_nginx
async def test_bodies_are_bounded_and_metrics_are_for_the_inside(front: str) -> None:
    limit = Settings.model_fields["max_body_bytes"].default
    async with aiohttp.ClientSession() as session:
        for size, status in ((limit, 200), (limit + 1, 413)):
            async with session.post(f"{front}/api/v1/creators", data=b"x" * size) as response:
                assert response.status == status
        async with session.get(f"{front}/metrics") as response:
            assert response.status == 404


def test_both_servers_are_in_both_pools() -> None:
    pools = re.findall(r"upstream (\w+) \{(.*?)\}", FILE.read_text(), re.DOTALL)
    assert [name for name, _ in pools] == ["sticky", "any"]
    for _, body in pools:
        assert re.findall(r"server ([\w-]+):4000", body) == ["server-1", "server-2"]
