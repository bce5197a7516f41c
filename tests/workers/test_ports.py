"""A port that is held for others, who share it."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from config.ports import held, listen
from config.refusal import Refusal

HERE = "127.0.0.1"


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"hello")
        transport.close()


class Talker(asyncio.Protocol):
    """Says more than the kernel holds for a client."""

    def __init__(self, lost: asyncio.Future[Exception | None]) -> None:
        self._lost = lost

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set_result(exc)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"x" * 16_000_000)


async def greeted(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HERE, port)
    heard = await reader.read()
    writer.close()
    await writer.wait_closed()
    return heard


async def test_who_holds_a_port_takes_no_connection() -> None:
    with held(HERE, 0) as port:
        with pytest.raises(ConnectionRefusedError):
            await greeted(port)
        one = await listen(Greeter, HERE, port, shared=True)
        two = await listen(Greeter, HERE, port, shared=True)
        assert [await greeted(port) for _ in range(20)] == [b"hello"] * 20
        one.close()
        assert [await greeted(port) for _ in range(20)] == [b"hello"] * 20
        two.close()


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
async def test_a_client_that_takes_nothing_is_cut() -> None:
    lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    server = await listen(lambda: Talker(lost), HERE, 0, patience=1.0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(server.sockets[0].getsockname())
        assert isinstance(await asyncio.wait_for(lost, 30), TimeoutError)
    server.close()


async def test_strangers_do_not_get_it() -> None:
    with held(HERE, 0) as port:
        server = await listen(Greeter, HERE, port, shared=True)
        with pytest.raises(Refusal, match=f"port {port} cannot be opened"):
            await listen(Greeter, HERE, port)
        with pytest.raises(Refusal, match=f"port {port} cannot be opened"), held(HERE, port):
            raise AssertionError("it was given away")
        server.close()
    with held(HERE, port) as again:
        assert again == port


def test_every_address_of_a_name_has_one_port() -> None:
    found = {entry[4][0] for entry in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    with held("localhost", 0) as port:
        for address in found:
            family = socket.AF_INET6 if ":" in str(address) else socket.AF_INET
            with socket.socket(family) as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind((address, port))


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(Refusal, match="cannot be opened"), held("no-such-host.invalid", 0):
        raise AssertionError("it was opened")


def test_other_systems_are_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Refusal, match="WORKERS=1"), held(HERE, 0):
        raise AssertionError("connections would all go to one process")
