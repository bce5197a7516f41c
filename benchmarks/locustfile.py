"""Fans for Locust: they log in, hold a socket open, and do with it what the page does.

For those who test an installation of their own; ours is measured by ``benchmarks.run``. Locust has an environment of
its own, since it patches the standard library:

    python3 -m venv .venv-load
    .venv-load/bin/pip install -r requirements-load.lock
    .venv-load/bin/locust -f benchmarks/locustfile.py --host http://127.0.0.1:4000 --users 500 --spawn-rate 20

Each fan needs an account. ``--accounts FILE`` names them, an e-mail address and a password in each line. Without it
fans sign up, which a server allows five times an hour for one address; for the test let it allow more, and more
connections of one address too:

    RATE_LIMITS='{"auth.register": "1000/1s", "socket.handshake": "1000/1s", "socket.connect": "1000/1s"}'
"""

from __future__ import annotations

import itertools
import secrets
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import requests
import socketio
from locust import User, between, events
from locust.exception import StopUser

SPACE = "/notifications"
ANSWER_WITHIN = 10  # seconds for the ack of a command
PASSWORD = "a long password of a load test"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--accounts", default="", help="a file with an e-mail address and a password in each line")
    parser.add_argument("--follow", default="", help="what each fan follows: @handle, a channel's address or its id")


events.init_command_line_parser.add_listener(arguments)


@cache
def accounts(file: str) -> Iterator[list[str]]:
    """E-mail address and password of one account after the other, for all fans of this process."""
    return iter([line.split(maxsplit=1) for line in Path(file).read_text().splitlines() if line.strip()])


class Fan(User):  # type: ignore[misc]  # Locust is not in the environment of the types
    """One person with the page open. Shown are connects, commands, and how late notifications come."""

    wait_time = between(1, 5)
    _numbers = itertools.count()

    def on_start(self) -> None:
        self._unread: dict[str, Any] = {}
        self._sio = socketio.Client()
        token = self._enter()
        if source := self.environment.parsed_options.follow:
            self._post("/creators", {"source": source}, token)
        self._sio.on("unread-notifications", self._unread_came, namespace=SPACE)
        self._sio.on("new-notification", self._notification_came, namespace=SPACE)
        with self.environment.events.request.measure("socket", "connect"):
            self._sio.connect(self.host, namespaces=[SPACE], auth={"token": token}, transports=["websocket"])

    def on_stop(self) -> None:
        self._sio.disconnect()

    def clock(self) -> None:
        self._command("clock", {"t0": time.time() * 1_000})

    def sync(self) -> None:
        if self._unread:
            place = {name: self._unread[name] for name in ("stream", "epoch")}
            self._command("sync", {**place, "after_seq": self._unread["head_seq"], "limit": 200})

    def mark_read(self) -> None:
        if self._unread:
            self._command("mark-read", {"upto_seq": self._unread["head_seq"]})

    tasks = {clock: 10, sync: 2, mark_read: 1}  # noqa: RUF012 - Locust's own form

    def _enter(self) -> str:
        """The access token of an account of its own."""
        if file := self.environment.parsed_options.accounts:
            account = next(accounts(file), None)
            if account is None:
                raise StopUser(f"{file} has fewer accounts than there are fans")
            return str(self._post("/auth/login", {"email": account[0], "password": account[1]})["access_token"])
        name = f"fan-{next(self._numbers)}-{secrets.token_hex(4)}"
        account_of = {"email": f"{name}@load.example.com", "password": PASSWORD, "display_name": name}
        return str(self._post("/auth/register", account_of)["access_token"])

    def _post(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        """The data of the answer; a fan who is refused stops."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with self.environment.events.request.measure("POST", path) as measured:
            url = f"{self.host}/api/v1{path}"
            answer = requests.post(url, json=body, headers=headers, timeout=ANSWER_WITHIN).json()
            if not answer["success"]:
                measured["exception"] = RuntimeError(answer["error"]["message"])
        if not answer["success"]:
            raise StopUser(answer["error"]["message"])
        data: dict[str, Any] = answer["data"]
        return data

    def _command(self, name: str, body: dict[str, Any]) -> None:
        """A refusal counts as a failure, with its code."""
        with self.environment.events.request.measure("command", name) as measured:
            answer = self._sio.call(name, body, namespace=SPACE, timeout=ANSWER_WITHIN)
            if not answer["ok"]:
                measured["exception"] = RuntimeError(answer["error"]["code"])

    def _unread_came(self, unread: dict[str, Any]) -> None:
        self._unread = unread

    def _notification_came(self, notification: dict[str, Any]) -> None:
        self._unread["head_seq"] = notification["seq"]
        late = datetime.now(UTC) - datetime.fromisoformat(notification["at"])
        self.environment.events.request.fire(
            request_type="event",
            name="new-notification",
            response_time=late.total_seconds() * 1_000,
            response_length=0,
            exception=None,
            context={},
        )
