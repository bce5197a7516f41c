"""What the log says of a Redis that goes and comes back."""

from __future__ import annotations

from pathlib import Path

import orjson

from tests.e2e.stack import Process, running, until
from tests.servers import RedisServer


def said_of_redis(process: Process) -> list[str]:
    lines = [orjson.loads(line) for line in process.log.read_bytes().splitlines() if line.startswith(b"{")]
    return [line["event"] for line in lines if "redis" in line["event"] or line["level"] in ("warning", "error")]


async def test_a_redis_that_is_away_for_a_while_is_two_lines_of_each_process(
    tmp_path: Path, postgres_url: str, redis_server: RedisServer, redis_url: str
) -> None:
    async with running(tmp_path, postgres_url, redis_url, development=False) as stack:
        redis_server.kill()
        try:
            await until(lambda: all(map(said_of_redis, stack.processes)), what="nobody missed Redis")
        finally:
            redis_server.start()
        await until(lambda: all("redis is back" in said_of_redis(each) for each in stack.processes))
        assert [said_of_redis(each) for each in stack.processes] == [["redis is away", "redis is back"]] * 2
