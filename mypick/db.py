"""One database behind three dialects: opening, transactions, migrations, health."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncmy.errors
import asyncpg
import structlog
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection
from tortoise.exceptions import BaseORMException, DBConnectionError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.transactions import in_transaction

from mypick.sqlite import StorageAway

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = structlog.get_logger(__name__)

APP = "mypick"
MODELS = (
    "mypick.ids",
    "mypick.streams.models",
    "mypick.jobs.models",
    "mypick.accounts.models",
    "mypick.creators.models",
    "mypick.content.models",
    "mypick.notifications.models",
    "mypick.community.models",
    "mypick.community.terms.models",
    "mypick.search.models",
    "mypick.community.discussions.models",
    "mypick.community.imports.models",
    "mypick.personal.models",
    "mypick.previews.models",
    "mypick.community.entry.models",
    "mypick.community.desk.models",
    "mypick.watchparty.models",
    "mypick.watchparty.entry.models",
    "mypick.watchparty.queue.models",
    "mypick.watchparty.chat.models",
)
MIGRATIONS = "migrations"

_ENGINES = {"sqlite": "mypick.sqlite", "postgres": "mypick.postgres", "mysql": "mypick.mysql"}
_SCHEMES = ("sqlite://", "postgres://", "postgresql://", "mysql://", "mariadb://")

STATEMENT_TIMEOUT = 30  # seconds; our statements take milliseconds, a chunk of a fan-out some 60
LOCK_TIMEOUT = 10  # seconds that a statement waits for a row; InnoDB's own bound is 50

FAILURES: tuple[type[Exception], ...] = (
    BaseORMException,
    OSError,  # a lost connection, and TimeoutError with it
    # deadlocks and lost connections as the drivers name them: Tortoise passes these through untranslated
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncmy.errors.MySQLError,
)
"""What a statement can raise when the database, and not the caller, is at fault, or when a rule of a table is broken
(``IntegrityError``)."""

AWAY: tuple[type[Exception], ...] = (
    ConnectionError,
    TimeoutError,
    DBConnectionError,
    StorageAway,  # a disk without room
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # a connection that ended in the middle of a transaction
    asyncpg.OperatorInterventionError,  # an administrator ended it, or the server starts or stops
    asyncpg.InsufficientResourcesError,  # too many connections, no memory
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncmy.errors.OperationalError,
    asyncmy.errors.InterfaceError,
)
"""What says that the database cannot serve this now, though the statement is right: trying again can help."""


class DatabaseUnavailable(Exception):
    """The database cannot be reached or its address cannot be read; the message says which and what to do."""


def tortoise_config(url: str, pool_size: int = 10) -> dict[str, Any]:
    """Tortoise's configuration for ``url``; ``pool_size`` is the bound of connections, ignored by SQLite."""
    if not url.startswith(_SCHEMES):
        raise DatabaseUnavailable(
            f"DATABASE_URL must begin with one of {', '.join(_SCHEMES)}; see .env.example for examples"
        )
    scheme = url.split("://", 1)[0]
    if scheme in ("postgresql", "mariadb"):
        scheme, rest = {"postgresql": "postgres", "mariadb": "mysql"}[scheme], url[len(scheme) :]
        url = scheme + rest
    connection = expand_db_url(url)
    connection["engine"] = _ENGINES[scheme]
    credentials = connection["credentials"]
    if scheme == "sqlite":
        file_path = Path(credentials["file_path"])
        if str(file_path) != ":memory:":
            try:
                file_path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as failure:
                raise DatabaseUnavailable(
                    f"the folder of the SQLite file, {file_path.parent}, cannot be made: {failure.strerror}"
                ) from failure
    else:
        credentials["minsize"], credentials["maxsize"] = 1, pool_size
    if scheme == "postgres":
        # No wait for the database is without bound: a lost peer or a foreign lock ends as an error that is tried again
        credentials["command_timeout"] = STATEMENT_TIMEOUT
        credentials["server_settings"] = {
            "lock_timeout": f"{LOCK_TIMEOUT}s",
            "idle_in_transaction_session_timeout": f"{STATEMENT_TIMEOUT}s",
        }
    if scheme == "mysql":
        credentials["read_timeout"] = STATEMENT_TIMEOUT
        # A statement after a lock must see what the lock waited for; MySQL's default shows the old snapshot.
        credentials["init_command"] = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
    return {
        "connections": {"default": connection},
        "apps": {APP: {"models": list(MODELS), "migrations": MIGRATIONS, "default_connection": "default"}},
        "use_tz": True,
        "timezone": "UTC",
    }


def connection() -> BaseDBAsyncClient:
    """The connection of this context: the transaction where one is open."""
    return get_connection("default")


def in_a_transaction() -> bool:
    return isinstance(connection(), TransactionalDBClient)


def dialect() -> str:
    """``sqlite``, ``postgres`` or ``mysql``."""
    return str(connection().capabilities.dialect)


def quoted(name: str) -> str:
    """A name of ours that is a word of SQL too, for a statement written by hand."""
    return f"`{name}`" if dialect() == "mysql" else f'"{name}"'


def among(column: str, numbers: Collection[int]) -> tuple[str, list[Any]]:
    """A condition that ``column`` is one of ``numbers``, with its parameters, as the last of a statement written by
    hand. PostgreSQL gets one array: the statement is the same for any number of them, and is prepared once."""
    if dialect() == "postgres":
        return f"{column} = ANY($1::bigint[])", [list(numbers)]
    return f"{column} IN ({','.join(f'{number:d}' for number in numbers)})", []


async def rows(statement: str, values: Sequence[Any] | None = None) -> Sequence[Mapping[str, Any]]:
    """What a statement written by hand reads, as the driver has it: by name, and nothing else is promised of a row.
    For answers of thousands, of which ``execute_query_dict`` copies each before anybody else has a turn."""
    found: Sequence[Mapping[str, Any]]
    _, found = await connection().execute_query(statement, None if values is None else list(values))
    return found


def moment(value: Any) -> datetime:
    """A time from a statement written by hand, aware: SQLite gives text, MySQL a time without its zone."""
    at: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@asynccontextmanager
async def transaction() -> AsyncIterator[BaseDBAsyncClient]:
    """One transaction; an exception inside rolls it back. Nested, it is a savepoint."""
    async with in_transaction("default") as open_transaction:
        yield open_transaction


@contextmanager
def only_server(url: str) -> Iterator[None]:
    """Hold the SQLite file of ``url`` for this server: events of a second one would not reach the sockets of the
    first. The lock goes with the process, however it ends. Other databases may have many servers."""
    if not url.startswith("sqlite://") or fcntl is None:
        yield
        return
    file_path = Path(tortoise_config(url)["connections"]["default"]["credentials"]["file_path"]).resolve()
    with open(f"{file_path}.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            lock.seek(0)
            raise DatabaseUnavailable(
                f"another MyPick (process {lock.read(20) or 'unknown'}) serves {file_path}: "
                "end it, or take another file with DATABASE_URL"
            ) from held
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@asynccontextmanager
async def open_database(url: str, pool_size: int = 10) -> AsyncIterator[Database]:
    """Open the database at ``url`` for this process and close it at the end."""
    config = tortoise_config(url, pool_size)
    async with await Tortoise.init(config=config, _enable_global_fallback=True):
        database = Database(config)
        try:
            await database.ping()
        except FAILURES as failure:
            advice = (
                "Can the file and its folder be written?"
                if url.startswith("sqlite")
                else "Is it running, and are user, password and name right?"
            )
            raise DatabaseUnavailable(
                f"the database at DATABASE_URL does not answer ({type(failure).__name__}: {failure}). {advice}"
            ) from failure
        yield database


class Database:
    """What the process asks of the database as a whole."""

    PING_TIMEOUT = 5.0  # seconds; a database that needs longer is as good as away

    def __init__(self, config: dict[str, Any]) -> None:
        self._apps: dict[str, dict[str, Any]] = config["apps"]

    @property
    def embedded(self) -> bool:
        """SQLite: this process is its only server and may migrate it."""
        return dialect() == "sqlite"

    async def ping(self) -> None:
        async with asyncio.timeout(self.PING_TIMEOUT):
            await connection().execute_query("SELECT 1")

    async def pending_migrations(self) -> list[str]:
        """Names of the migrations that this code has and the database has not."""
        plan = await self._executor().plan([MigrationTarget(app_label=APP, name="__latest__")])
        return [step.migration.name for step in plan if not step.backward]

    async def migrate(self, target: str = "__latest__") -> list[str]:
        """Apply, or roll back to, ``target`` (``__first__`` is the empty database). Names of the steps done."""
        executor = self._executor()
        targets = [MigrationTarget(app_label=APP, name=target)]
        try:
            steps = [step.migration.name for step in await executor.plan(targets)]
        except ValueError as unknown:
            raise DatabaseUnavailable(f"{unknown}; see the folder migrations/") from unknown
        await executor.migrate(targets)
        return steps

    def _executor(self) -> MigrationExecutor:
        return MigrationExecutor(connection(), self._apps)


async def check_database(database: Database) -> None:
    """Migrate the embedded database; refuse a server database that is not migrated, with the command to run."""
    pending = await database.pending_migrations()
    if not pending:
        return
    if not database.embedded:
        raise DatabaseUnavailable(
            f"the database lacks {len(pending)} migration(s), the first is {pending[0]}. "
            "Run `python run.py migrate` or `make migrate`, then start again."
        )
    done = await database.migrate()
    log.info("embedded database migrated", migrations=done)
