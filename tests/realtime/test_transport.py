"""What ``realtime/transport.py`` and ``realtime/engine_io.py`` take for granted of python-socketio and
python-engineio beyond their documents. Where one of these fails after an upgrade, its text says what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import engineio
import engineio.async_drivers.aiohttp as driver
import engineio.async_socket
import engineio.base_server
import engineio.packet
import engineio.payload
import pytest
import socketio
import socketio.async_manager
import socketio.packet

from realtime.engine_io import EngineServer
from realtime.packets import Json
from realtime.transport import Transport, _Server

PINNED = {"python-socketio": "5.18.1", "python-engineio": "4.15.1"}


def make() -> _Server:
    return Transport(origin_allowed=lambda *_: True, max_packet_bytes=1_000)._server


def source(of: Callable[..., Any] | type) -> str:
    return inspect.getsource(of)


@pytest.mark.parametrize("package", PINNED)
def test_the_versions_are_those_that_were_read(package: str) -> None:
    assert version(package) == PINNED[package], (
        f"{package} was upgraded: read what changed in the methods that this file names, run all of tests/realtime "
        "and the fuzz, then raise the pin in pyproject.toml and here"
    )


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (socketio.AsyncServer, "_handle_event", ["self", "eio_sid", "namespace", "id", "data"]),
        (socketio.AsyncServer, "_handle_connect", ["self", "eio_sid", "namespace", "data"]),
        (socketio.AsyncServer, "_handle_disconnect", ["self", "eio_sid", "namespace", "reason"]),
        (socketio.AsyncServer, "_handle_eio_connect", ["self", "eio_sid", "environ"]),
        (socketio.AsyncServer, "_handle_eio_message", ["self", "eio_sid", "data"]),
        (socketio.AsyncServer, "_handle_eio_disconnect", ["self", "eio_sid", "reason"]),
        (socketio.AsyncServer, "_engineio_server_class", ["self"]),
        (socketio.AsyncServer, "_send_packet", ["self", "eio_sid", "pkt"]),
        (socketio.AsyncServer, "disconnect", ["self", "sid", "namespace", "ignore_queue"]),
        (socketio.AsyncNamespace, "trigger_event", ["self", "event", "args"]),
        (socketio.packet.Packet, "decode", ["self", "encoded_packet"]),
        (socketio.async_manager.AsyncManager, "sid_from_eio_sid", ["self", "eio_sid", "namespace"]),
        (socketio.async_manager.AsyncManager, "eio_sid_from_sid", ["self", "sid", "namespace"]),
        (socketio.async_manager.AsyncManager, "is_connected", ["self", "sid", "namespace"]),
        (engineio.AsyncServer, "handle_request", ["self", "args", "kwargs"]),
        (engineio.AsyncServer, "send_packet", ["self", "sid", "pkt"]),
        (engineio.AsyncServer, "_trigger_event", ["self", "event", "args", "kwargs"]),
        (engineio.AsyncServer, "_log_error_once", ["self", "message", "message_key"]),
        (engineio.async_socket.AsyncSocket, "close", ["self", "wait", "abort", "reason"]),
        (driver.WebSocket, "__init__", ["self", "handler", "server"]),
        (driver.WebSocket, "__call__", ["self", "environ"]),
        (driver.WebSocket, "wait", ["self"]),
    ],
)
def test_methods_that_are_overridden_or_called_have_the_same_shape(
    owner: type, name: str, parameters: list[str]
) -> None:
    found = getattr(owner, name, None)
    assert found is not None, (
        f"{owner.__name__}.{name} is gone: find what took its place and move our override of it in realtime/ there"
    )
    assert list(inspect.signature(found).parameters) == parameters, (
        f"{owner.__name__}.{name} takes other parameters: change our override or call of it in realtime/"
    )


@pytest.mark.parametrize(
    ("caller", "call", "why"),
    [
        (socketio.AsyncServer._handle_eio_message, "self._handle_connect(", "our admission would be passed by"),
        (socketio.AsyncServer._handle_eio_message, "self._handle_event(", "clients could call lifecycle handlers"),
        (socketio.AsyncServer._handle_eio_message, "self.packet_class(encoded_packet=", "attachments are unbounded"),
        (socketio.AsyncServer._handle_eio_message, "self._binary_packet", "half a packet would stay in memory"),
        (socketio.AsyncServer._handle_eio_disconnect, "self._handle_disconnect(", "closed clients would stay"),
        (socketio.AsyncServer._handle_eio_disconnect, "del self.environ[", "closed clients would count as here"),
        (socketio.AsyncServer._handle_eio_connect, "self.environ[eio_sid] = environ", "nobody would count as here"),
        (socketio.AsyncServer._handle_connect, "error_args", "refusals would not carry code and message"),
        (socketio.async_manager.AsyncManager.emit, "_send_eio_packet(", "the bound of the queue would be passed by"),
        (engineio.AsyncServer.handle_request, "self._async['translate_request']", "POSTs would go unchecked"),
        (engineio.AsyncServer.handle_request, "self._log_error_once(", "wrong requests would be logged as errors"),
        (engineio.AsyncServer._handle_connect, "self.sockets[sid] = s", "closing would find no socket"),
        (engineio.async_socket.AsyncSocket._upgrade_websocket, "self.server._async['websocket']", "our driver is out"),
        (engineio.async_socket.AsyncSocket._upgrade_websocket, "self._websocket_handler", "no connection to cut"),
        (engineio.async_socket.AsyncSocket._websocket_handler, "await ws.wait()", "frames would go unchecked"),
        (engineio.async_socket.AsyncSocket.handle_post_request, "environ['wsgi.input']", "our checked body is unread"),
        (engineio.async_socket.AsyncSocket.handle_post_request, "environ", "its length is not ours"),
        (engineio.async_socket.AsyncSocket.close, "'disconnect'", "closed sockets would not be forgotten"),
        (driver.translate_request, "'aiohttp.request'", "addresses and connections come from there"),
        (driver.WebSocket.send, "self._sock", "our driver writes to what the stock one reads"),
    ],
    ids=lambda value: getattr(value, "__qualname__", str(value))[:60],
)
def test_the_stock_code_still_goes_through_what_is_replaced(caller: Callable[..., Any], call: str, why: str) -> None:
    assert call in source(caller), (
        f"{caller.__qualname__} no longer does {call!r}, so {why}: read it, mend realtime/transport.py or "
        "realtime/engine_io.py, then change this line"
    )


def test_the_queue_ends_a_writer_at_none() -> None:
    code = source(engineio.async_socket.AsyncSocket.poll)
    assert "if packets == [None]" in code, (
        "AsyncSocket.poll does not end at None: EngineServer._end must end the writer in another way"
    )


def test_events_of_one_client_are_handled_in_its_read_loop() -> None:
    server = make()
    assert server.eio.async_handlers is False, (
        "Engine.IO would start a task for each message, so the commands of a client could run out of order: "
        "pass what switches it off"
    )


def test_the_server_uses_our_parts() -> None:
    server = make()
    assert isinstance(server.eio, EngineServer), "python-socketio makes its Engine.IO server in another way"
    assert server.packet_class.__module__ == "realtime.packets", "the serializer option no longer sets packet_class"
    assert server.packet_class.json is Json, "the json option no longer reaches Socket.IO packets: NaN would pass"
    assert engineio.packet.Packet.json is Json, "the json option no longer reaches Engine.IO packets"
    assert server.eio._async["websocket"].__module__ == "realtime.engine_io", "compression would be on"
    assert server.eio.max_http_buffer_size == 1_000, "packets would not be bounded"


async def test_the_managers_rooms_are_read_as_they_are_kept() -> None:
    server = make()
    manager = server.manager
    sid = await manager.connect("engine-id", "/notifications")
    await manager.enter_room(sid, "/notifications", "inbox:1")
    told = "the manager keeps rooms in another way: change Transport.members and the checks in tests/realtime/node.py"
    assert list(manager.rooms["/notifications"]["inbox:1"]) == [sid], told
    assert manager.sid_from_eio_sid("engine-id", "/notifications") == sid, told
    assert manager.eio_sid_from_sid(sid, "/notifications") == "engine-id", told
    assert manager.is_connected(sid, "/notifications"), told
    await manager.disconnect(sid, "/notifications")
    assert manager.rooms == {}, told
    assert manager.pending_connect == manager.pending_disconnect == {}, told


def test_packet_types_have_the_numbers_that_the_protocol_gives_them() -> None:
    assert (engineio.packet.CLOSE, engineio.packet.PONG, engineio.packet.MESSAGE) == (1, 3, 4)
    assert (socketio.packet.ACK, socketio.packet.CONNECT_ERROR) == (3, 4)
    assert (socketio.packet.BINARY_EVENT, socketio.packet.BINARY_ACK) == (5, 6)


def test_a_payload_is_parsed_by_the_constructor() -> None:
    packets = engineio.payload.Payload(encoded_payload="3\x1e4x").packets
    assert [packet.packet_type for packet in packets] == [3, 4], (
        "engineio.payload.Payload reads otherwise: change _check in realtime/engine_io.py"
    )


def test_reasons_of_closing_have_the_names_that_are_used() -> None:
    for name in ("SERVER_DISCONNECT", "TRANSPORT_CLOSE"):
        assert hasattr(engineio.AsyncServer.reason, name), f"the reason {name} is gone: use the one that took its place"
        assert hasattr(socketio.AsyncServer.reason, name), f"the reason {name} is gone: use the one that took its place"


def test_no_package_writes_packets_to_the_log() -> None:
    server = make()
    for logger in (server.logger, server.eio.logger):
        assert logger.level >= 40, "at INFO the package logs every packet, tokens included: set the level in _quiet"
        assert logger.handlers == [], "the package adds a handler of its own again: its lines would be no JSON"
