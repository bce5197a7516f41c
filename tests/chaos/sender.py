"""A node that takes commands from its standard input: one JSON line each, and one for each answer.

    python -m tests.chaos.sender NAME DATABASE_URL
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import orjson

from mypick.bus.memory import MemoryExchange
from mypick.db import open_database
from mypick.errors import DomainError
from tests.streams.nodes import Node, said

STREAM = "room:1"


async def serve(name: str, database_url: str) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with open_database(database_url):
        node = Node(name, MemoryExchange())
        await node.start()
        _say({"ready": True})
        async with asyncio.TaskGroup() as commands:
            while line := await lines.readline():
                commands.create_task(_answer(node, orjson.loads(line)))
        await node.kill()


async def _answer(node: Node, asked: dict[str, Any]) -> None:
    try:
        done = await node.streams.append(said(STREAM, asked["text"], cid=asked["cid"]))
    except DomainError as error:
        _say({"id": asked["id"], "error": error.code.name})
    else:
        _say({"id": asked["id"], "reply": done.reply, "duplicate": done.duplicate})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))
