"""python-socketio's own AsyncServer on aiohttp and uvloop, as its documentation sets it up, no deflate; with its Redis
manager where there is a REDIS_URL."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import socketio
import uvloop
from aiohttp import web

from benchmarks.peers.stall import Stall


def application() -> web.Application:
    redis = os.environ.get("REDIS_URL")
    sio = socketio.AsyncServer(
        async_mode="aiohttp",
        transports=["websocket"],
        http_compression=False,
        client_manager=socketio.AsyncRedisManager(redis) if redis else None,
    )

    async def connect(sid: str, _: Any, auth: dict[str, Any] | None) -> None:
        if not auth or auth.get("token") != "bench":
            raise socketio.exceptions.ConnectionRefusedError("UNAUTHENTICATED")
        await sio.enter_room(sid, "lobby", namespace="/app")

    async def echo(_: str, text: str) -> str:
        return text

    async def broadcast(_: str, news: dict[str, Any]) -> None:
        await sio.emit("news", news, to="lobby", namespace="/app")

    async def stall(_: str, __: object) -> dict[str, float]:
        return {"ms": watch.read()}

    watch = Stall()
    sio.on("connect", connect, namespace="/app")
    sio.on("stall", stall, namespace="/app")
    sio.on("echo", echo, namespace="/app")
    sio.on("broadcast", broadcast, namespace="/app")
    app = web.Application()
    sio.attach(app)
    return app


async def serve() -> None:
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    port = runner.addresses[0][1]
    sys.stdout.write(json.dumps({"event": "listening", "port": port}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
