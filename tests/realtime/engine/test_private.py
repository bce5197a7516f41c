"""The names of aiohttp, python-engineio and python-socketio that ``realtime/engine/private.py`` leans on.

None of them is promised by its package. One test for each, so that an upgrade that changes one fails here, with a
message that says what it is for and what to do, and not somewhere in a socket.
"""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import engineio
import engineio.packet
import pytest
import socketio
import socketio.packet
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.web_protocol import RequestHandler

import realtime
from realtime.engine import private
from realtime.engine.packets import Packet
from realtime.engine.rooms import Rooms
from realtime.engine.server import Engine
from realtime.engine.session import Session
from tests.realtime.conftest import Logs
from tests.realtime.engine.wire import LONG_WAY, Wire
from tests.realtime.node import Fan, Node

TESTED = {"aiohttp": "3.14", "python-engineio": "4.15.1", "python-socketio": "5.18.1"}
READ_ALL = (
    "Before a version is changed in pyproject.toml, read the package's changes for the names in "
    "realtime/engine/private.py; then change it in TESTED of this file too."
)


def parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def check(condition: object, name: str, use: str, mend: str) -> None:
    assert condition, f"{name} is not what it was. It is used {use}. {mend}"


@pytest.mark.parametrize("package", TESTED)
def test_the_versions_are_those_that_were_looked_at(package: str) -> None:
    found = importlib.metadata.version(package)
    assert found.startswith(TESTED[package]), f"{package} is {found}, {TESTED[package]} was looked at. {READ_ALL}"


# aiohttp


def test_websocket_mask() -> None:
    mend = (
        "Look where aiohttp's WebSocketReader takes the mask off now, and import that; or write it in frames.py: "
        "int.from_bytes(payload) ^ int.from_bytes(mask repeated)."
    )
    payload = bytearray(7)
    check(
        private.websocket_mask(b"\x01\x02\x03\x04", payload) is None and payload == b"\1\2\3\4\1\2\3",
        "aiohttp._websocket.helpers.websocket_mask(mask, data), which changes data in place",
        "to take the mask off each frame",
        mend,
    )


def test_request_handler_set_parser() -> None:
    mend = "See how aiohttp's WebSocketResponse takes over a connection (web_ws.py, _post_start), and do that."
    check(
        parameters(RequestHandler.set_parser)[:2] == ["self", "parser"],
        "RequestHandler.set_parser(parser)",
        "to get the bytes that came behind a handshake",
        mend,
    )
    source = inspect.getsource(RequestHandler.set_parser)
    check("feed_data(self._message_tail)" in source, "RequestHandler._message_tail", "by set_parser for these", mend)


def test_request_handler_transport() -> None:
    mend = "Find what aiohttp closes in force_close() now, and take that away before connection_lost() is called."
    check(
        "transport" in getattr(RequestHandler.__mro__[1], "__slots__", ()),
        "RequestHandler.transport",
        "and set to None, so that letting go does not close the connection",
        mend,
    )
    check(
        "if self.transport is not None" in inspect.getsource(RequestHandler.force_close),
        "RequestHandler.force_close(), which leaves a connection alone that it does not have",
        "when a connection is handed over",
        mend,
    )


def test_request_handler_connection_lost() -> None:
    mend = "Look which references a RequestHandler keeps, and let go of them in hand_over(); see test_hand_over.py."
    check(
        parameters(RequestHandler.connection_lost) == ["self", "exc"],
        "RequestHandler.connection_lost(exc)",
        "to make aiohttp forget a connection that was handed over",
        mend,
    )
    source = inspect.getsource(RequestHandler.connection_lost)
    for name in ("_manager", "_request_handler", "_parser", "_keepalive_handle", "_task_handler"):
        check(name in source, f"RequestHandler.connection_lost(), which lets go of {name}", "for that", mend)


async def test_request_protocol_and_what_a_handler_returns(node: Node) -> None:
    mend = (
        "aiohttp calls something else to write a response: override it in Handed, as prepare and write_eof are, so "
        "that nothing is written to a connection that is not aiohttp's any more."
    )
    request = make_mocked_request("GET", "/")
    check(hasattr(request, "protocol"), "Request.protocol", "to reach the RequestHandler", mend)
    source = inspect.getsource(RequestHandler.finish_response)
    for call in ("prepare_meth(request)", "resp.write_eof()"):
        check(call in source, f"RequestHandler.finish_response(), which calls {call}", "with Handed", mend)
    wire = await (await Wire().open(node)).greet(handshake=LONG_WAY)
    wire.writer.write_eof()
    check(await wire.ended() == b"", "a response that writes nothing", "for WebSockets", mend)


# python-engineio


def test_engineio_async_and_translate_request() -> None:
    mend = "Find where handle_request() makes the environ of a request now, and read the body of a POST there."
    server = engineio.AsyncServer(async_mode="aiohttp")
    check(
        callable(server._async.get("translate_request")),
        'engineio.AsyncServer._async["translate_request"]',
        "to read a POST by our bounds before python-engineio does",
        mend,
    )
    source = inspect.getsource(engineio.AsyncServer.handle_request)
    check("await translate_request(" in source, "handle_request(), which awaits it", "for that", mend)
    request = make_mocked_request("POST", "/socket.io/?EIO=4")
    check(
        server._async["translate_request"](request)["aiohttp.request"] is request,
        'the key "aiohttp.request" of the environ',
        "to find the request of a poll",
        mend,
    )


def test_engineio_handle_connect() -> None:
    mend = "Find what handle_request() calls for a GET without sid now, and open the session there."
    check(
        parameters(engineio.AsyncServer._handle_connect) == parameters(private.PollingServer._handle_connect),
        "engineio.AsyncServer._handle_connect(environ, transport, jsonp_index)",
        "to open sessions of our own",
        mend,
    )


def test_engineio_ok_and_bad_request() -> None:
    mend = "Answer with what python-engineio's handle_request() makes its responses of now."
    server = engineio.AsyncServer(async_mode="aiohttp")
    opened = server._ok([engineio.packet.Packet(private.OPEN, {"sid": "x"})], jsonp_index=None)
    check(opened["response"] == b'0{"sid":"x"}', "engineio.AsyncServer._ok(packets, jsonp_index=)", "to answer", mend)
    refused = server._bad_request("why")
    check(
        refused["status"].startswith("400") and b"why" in refused["response"],
        "engineio.AsyncServer._bad_request(text)",
        "to refuse",
        mend,
    )


def test_engineio_log_error_once() -> None:
    check(
        parameters(engineio.AsyncServer._log_error_once) == parameters(private.PollingServer._log_error_once),
        "engineio.AsyncServer._log_error_once(message, message_key)",
        "to log what clients do wrong as no error of ours",
        "Find what logs a refused request now, and override that.",
    )


def test_engineio_sockets_and_what_it_asks_of_a_session(node: Node) -> None:
    mend = "Give realtime.engine.session.Session what python-engineio asks of its sockets now."
    server = engineio.AsyncServer
    source = inspect.getsource(server.handle_request) + inspect.getsource(server._get_socket)
    for name in ("connected", "upgraded", "closed", "handle_get_request", "handle_post_request"):
        check(f".{name}" in source, f"the attribute {name} of a socket", "by handle_request()", mend)
        check(hasattr(Session, name) or name in Session.__slots__, f"Session.{name}", "by handle_request()", mend)
    check(
        "self.sockets" in source and node.engine.sessions is node.engine.eio.sockets,
        "engineio.AsyncServer.sockets",
        "as the table of our sessions",
        mend,
    )


def test_engineio_payloads_encode_what_waits_for_a_poll() -> None:
    check(
        "pkt.encode(b64=True)" in inspect.getsource(engineio.payload.Payload.encode),
        "Packet.encode(b64=True)",
        "by payloads, on the packets of polling._Outgoing",
        "Give polling._Outgoing what Payload.encode() calls now.",
    )


# python-socketio


def test_socketio_engineio_server_class() -> None:
    server = socketio.AsyncServer(async_mode="aiohttp")
    check(
        server._engineio_server_class() is engineio.AsyncServer,
        "socketio.AsyncServer._engineio_server_class()",
        "to put PollingServer in its place",
        "Find what makes server.eio now, and override that; it has to be a PollingServer.",
    )


def test_socketio_packet_class(node: Node) -> None:
    mend = "Find how AsyncServer takes a packet class of its user now (`serializer`), and give it BoundedPacket."
    check(node.engine.sio.packet_class is node.engine.packet_class, "AsyncServer.packet_class", "to read packets", mend)
    check(
        parameters(socketio.packet.Packet.decode) == parameters(Packet.decode)
        and {"add_attachment", "encode"} <= set(vars(socketio.packet.Packet)),
        "socketio.packet.Packet.decode(encoded_packet), add_attachment and encode",
        "to read and write packets in an unusual form",
        "Read packets.py beside the package's new packet.py.",
    )
    numbers = {name: number for name, number in vars(socketio.packet).items() if isinstance(number, int)}
    assert numbers == {
        "ACK": 3, "BINARY_ACK": 6, "BINARY_EVENT": 5, "CONNECT": 0, "CONNECT_ERROR": 4, "DISCONNECT": 1, "EVENT": 2,
    }, "the numbers of the protocol itself have changed: this engine speaks Socket.IO 5"  # fmt: skip


MANAGER = sorted(
    name for name in vars(Rooms) if hasattr(socketio.AsyncManager, name) and callable(getattr(Rooms, name))
    and not name.startswith("__")
)  # fmt: skip


@pytest.mark.parametrize("name", MANAGER)
def test_socketio_manager(name: str) -> None:
    ours, stock = parameters(getattr(Rooms, name)), parameters(getattr(socketio.AsyncManager, name))
    check(
        all(parameter in stock for parameter in ours if parameter != "_"),
        f"socketio.AsyncManager.{name}({', '.join(stock)})",
        "by the server's emit, call, enter_room, leave_room, close_room and rooms",
        f"Rooms.{name} has ({', '.join(ours)}): give it the new form, and see test_rooms.py.",
    )


def test_socketio_callbacks() -> None:
    mend = "Find where AsyncManager keeps the callbacks of emits now; Rooms.awaits and Member.leave look there."
    manager = socketio.AsyncManager()
    number = manager._generate_ack_id("sid", print)
    check(
        number == 1 and manager.callbacks["sid"][number] is print,
        "BaseManager._generate_ack_id(sid, callback) and .callbacks",
        "for acks of events of the server",
        mend,
    )
    check(
        parameters(socketio.AsyncManager.trigger_callback) == ["self", "sid", "id", "data"],
        "AsyncManager.trigger_callback(sid, id, data)",
        "to call them",
        mend,
    )


def test_socketio_disconnect() -> None:
    check(
        parameters(socketio.AsyncServer.disconnect) == parameters(private.SocketIOServer.disconnect),
        "socketio.AsyncServer.disconnect(sid, namespace, ignore_queue)",
        "and overridden, since its manager's bookkeeping is not ours",
        "Give SocketIOServer.disconnect the new form.",
    )


# all of them


OVERRIDES: dict[type, type] = {
    private.PollingServer: engineio.AsyncServer,
    private.SocketIOServer: socketio.AsyncServer,
    private.Handed: web.Response,
}


@pytest.mark.parametrize("ours", OVERRIDES, ids=lambda ours: ours.__name__)
def test_whatever_overrides_something_still_does(ours: type) -> None:
    own = {"_translate", "refusal", "__init__"}
    for name, member in vars(ours).items():
        if inspect.isfunction(member) and name not in own:
            assert hasattr(OVERRIDES[ours], name), f"{ours.__name__}.{name} overrides nothing any more. {READ_ALL}"


def test_no_other_module_uses_a_private_name_of_the_packages() -> None:
    packages = {"aiohttp", "engineio", "socketio"}
    found = []
    for path in Path(realtime.__path__[0]).rglob("*.py"):
        if path.name == "private.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom) and node.module
                else [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            )
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else ""
                names += [f"engineio.{node.attr}"] if owner in ("eio", "sio") else []
            found += [
                f"{path.name}: {name}"
                for name in names
                if name.split(".")[0] in packages and any(part.startswith("_") for part in name.split("."))
            ]
    assert found == [], "private names belong into realtime/engine/private.py, each with a test here"


async def test_all_of_it_together_with_the_packages_own_clients(node: Node, alice: Fan, logs: Logs) -> None:
    """If only this one fails, a name is missing above."""
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        one = socketio.AsyncSimpleClient()
        await one.connect(
            node.url, namespace="/notifications", auth={"token": alice.token}, transports=transports, wait_timeout=10
        )
        assert (await one.receive(timeout=10))[0] == "unread-notifications"
        assert (await one.call("clock", {"t0": 1}, timeout=10))["ok"]
        await one.disconnect()
    await node.assert_nobody_left()
    assert isinstance(node.engine, Engine)
