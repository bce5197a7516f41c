"""Real PostgreSQL and Redis servers out of wheels, for tests, benchmarks and chaos runs.

Each server lives in one temporary directory and one process group, listens on 127.0.0.1 only, and keeps its port over
``kill`` and ``restart``. Nothing outlives its owner: a watchdog (a small ``sh``) holds a pipe to the owner, and when
that closes, by ``close()`` or by any death of the owner, it ends the server and removes the directory.

    with PostgresServer() as postgres, RedisServer() as redis:
        url = postgres.create_database("chat")

Everything here is synchronous: the servers belong to no event loop.
"""

from tests.servers.base import ServerError
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisCluster, RedisServer, ValkeyServer

__all__ = ["PostgresServer", "RedisCluster", "RedisServer", "ServerError", "ValkeyServer"]
