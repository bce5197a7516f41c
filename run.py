"""MyPick's command line: serve · worker · migrate · seed · demo · jobs · reindex · import-chat · grant-role.

This file alone reads the settings and opens connections; ``config/wiring.py`` puts the parts together.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

try:
    gc.disable()  # what imports make stays: to look at it for garbage again and again took a sixth of the start
    import aiohttp
except ModuleNotFoundError:
    print(
        "mypick: this Python lacks the packages: type .venv/bin/python in place of python "
        "(`make install` makes .venv)",
        file=sys.stderr,
    )
    raise SystemExit(2) from None
import orjson
import structlog
from pydantic import ValidationError
from pydantic_settings import SettingsError

from config.crowd import Crowd
from config.importing import FORMATS, import_log
from config.logs import configure_logs
from config.matinee import ADDRESS, Matinee
from config.mistakes import near_misses, settings_problem
from config.progress import ProgressBar
from config.refusal import Refusal
from config.serving import serving
from config.settings import Settings
from config.signals import stop_signal
from config.wiring import domain_settings, on_emulator
from config.workers import place_of, supervise
from demo.content import Creator
from demo.film import FOLDER as FILMS
from demo.script import post_now_and_then
from demo.stage import emulating
from demo.talk import talk_on
from demo.youtube import PlatformEmulator
from mypick.accounts import queries as people
from mypick.accounts.actor import ROLES
from mypick.creators import queries as creators
from mypick.db import Database, DatabaseUnavailable, check_database, only_server, open_database
from mypick.domain import Domain, build_domain
from mypick.errors import DomainError
from mypick.limits import WrongLimitError
from mypick.platforms.protocol import Reference

HTTP_LIMIT = 32  # connections to platforms at once
NEVER = timedelta(days=3650)  # seeded channels are on no real platform
TALK_EVERY = 1.5  # seconds, over a dozen rooms: in each somebody says something about three times a minute
DEMO_EVERY = 12.0  # seconds: a newcomer should see something within half a minute
gc.enable()


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    misses = near_misses()
    try:
        settings = Settings(**options.overrides)
    except (ValidationError, SettingsError) as wrong:
        return refuse("\nmypick: ".join([settings_problem(wrong), *misses]))
    listens = bool(settings.sentry_dsn.get_secret_value())
    configure_logs(level=settings.log_level, json_lines=settings.in_production, quick=not listens)
    if getattr(options, "worker", None) is None:  # one of several processes would repeat what its supervisor said
        for miss in misses:
            structlog.get_logger("run").warning(miss)
    start_sentry(settings)
    try:
        return run_loop(options.command(settings, options))
    except (DatabaseUnavailable, Refusal, WrongLimitError) as problem:
        return refuse(str(problem))
    except DomainError as problem:
        return refuse(problem.message)
    except KeyboardInterrupt:
        return 130


def refuse(problem: str) -> int:
    print(f"mypick: {problem}", file=sys.stderr)
    return 2


def run_loop(work: Coroutine[Any, Any, int]) -> int:
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def start_sentry(settings: Settings) -> None:
    if dsn := settings.sentry_dsn.get_secret_value():
        import sentry_sdk

        sentry_sdk.init(dsn=dsn, environment=settings.app_env, send_default_pii=False, include_local_variables=False)


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, works: bool) -> AsyncIterator[tuple[Database, Domain]]:
    """The database, migrated, and the domain on it, not yet started."""
    async with (
        open_database(settings.database_url.get_secret_value(), settings.database_pool_size) as database,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=HTTP_LIMIT)) as http,
    ):
        await check_database(database)
        node = f"{int(time.time()):x}-{secrets.token_hex(4)}"
        yield database, build_domain(domain_settings(settings, node=node, works=works), http)


async def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Answer clients until SIGTERM, then drain."""
    alone = settings.uses_sqlite or not settings.redis_url.get_secret_value()
    works = {"yes": True, "no": False, "auto": alone}[settings.work_in_server]
    if alone and not works:
        raise Refusal("without Redis and a server database nobody else can do the jobs: leave WORK_IN_SERVER=auto.")
    place = place_of(settings, options.worker, options.folder)
    if settings.workers > 1 and place is None:
        async with opened(settings, works=False):  # what would keep every worker from starting is told once, here
            pass
        return await supervise(settings)
    if place:
        structlog.contextvars.bind_contextvars(worker=place.number)
    with only_server(settings.database_url.get_secret_value()):
        async with opened(settings, works=works) as (database, domain), serving(settings, database, domain, place):
            await stop_signal(supervised=place is not None)
    return 0


async def worker(settings: Settings, options: argparse.Namespace) -> int:
    """Do background jobs until SIGTERM."""
    if not settings.redis_url.get_secret_value() or settings.uses_sqlite:
        raise Refusal("a worker beside the server needs REDIS_URL and a server database; `serve` alone needs neither.")
    async with opened(settings, works=True) as (_, domain), contextlib.AsyncExitStack() as undo:
        undo.push_async_callback(domain.close)
        await domain.start()
        print(orjson.dumps({"event": "working"}).decode(), flush=True)
        await stop_signal()
    return 0


async def migrate(settings: Settings, options: argparse.Namespace) -> int:
    """Bring the database to this code, or to ``--to``."""
    async with open_database(settings.database_url.get_secret_value()) as database:
        steps = await database.migrate(options.to)
    print("\n".join(steps) if steps else "nothing to do: the database is up to date")
    return 0


async def seed(settings: Settings, options: argparse.Namespace) -> int:
    """Bring the demonstration's creators and their content in, once; they get nothing new afterwards."""
    async with (
        emulating(pictures=False) as (emulator, cast),
        opened(staged(settings, emulator), works=False) as (_, domain),
    ):
        await domain.start()
        await bring_in(domain, cast)
        await creators.rest_channels(list(cast), domain.clock.now() + NEVER)
        await domain.close()
    print(
        f"{len(cast)} creators are here with their content. On a plain server they never post, "
        "and links to their videos lead nowhere. For a platform that goes on posting: make run"
    )
    return 0


async def demo(settings: Settings, options: argparse.Namespace) -> int:
    """Serve, with a platform of its own that posts now and then."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(only_server(settings.database_url.get_secret_value()))
        emulator, cast = await stack.enter_async_context(emulating())
        settings = staged(settings, emulator)
        database, domain = await stack.enter_async_context(opened(settings, works=True))
        port = await stack.enter_async_context(serving(settings, database, domain, folders={ADDRESS: FILMS}))
        await bring_in(domain, cast)
        emulator.reseed(int(time.time()))  # what is posted today is not what was posted yesterday
        story = functools.partial(
            post_now_and_then,
            emulator,
            cast,
            Random(),  # noqa: S311 - a story
            every=DEMO_EVERY,
            jitter=DEMO_EVERY / 3,
            favourites=lambda: creators.followed_channels("youtube"),
        )
        await domain.process.spawn("demo: the platform posts", story)
        await domain.process.spawn("demo: fans come", functools.partial(come, domain, cast))
        print(
            f"\n  MyPick is open: http://localhost:{port}\n"
            f"  Sign up and follow a creator: about every {DEMO_EVERY:.0f} seconds somebody posts,\n"
            "  mostly somebody whom you follow, and in the communities fans talk. Under Watch parties one\n"
            "  is on: open it in two windows. Ctrl-C ends it.\n",
            flush=True,
        )
        await stop_signal()
    return 0


def staged(settings: Settings, emulator: PlatformEmulator) -> Settings:
    if settings.in_production:
        raise Refusal("invented creators have no place in APP_ENV=production: take another APP_ENV and database.")
    return on_emulator(settings, api_url=emulator.api_url, feed_url=emulator.feed_url, api_key=emulator.api_key)


async def come(domain: Domain, cast: Mapping[str, Creator]) -> None:
    """Let fans host a watch party and chat in the communities of the cast, until cancelled."""
    youtube = domain.platforms["youtube"]
    owners, by_handle = [], {}
    for channel_id, creator in cast.items():
        channel = await domain.creators.keep(await youtube.resolve(Reference(youtube.name, "id", channel_id)))
        owners.append((channel.creator_id, creator.name))
        by_handle[creator.handle] = channel.creator_id
    crowd = await Crowd.gather(domain, owners)
    matinee = await Matinee.prepare(domain, crowd.fans[0], by_handle)
    await domain.process.spawn("demo: a fan hosts a party", matinee.run)
    rng = Random()  # noqa: S311 - a story
    await talk_on(crowd.rooms, rng, say=crowd.say, react=crowd.react, every=TALK_EVERY, empty=crowd.empty)


async def bring_in(domain: Domain, cast: Mapping[str, Creator]) -> None:
    """The emulator's creators as creators here, with their content."""
    youtube = domain.platforms["youtube"]
    for channel_id, creator in cast.items():
        info = await youtube.resolve(Reference(youtube.name, "id", channel_id))
        channel = await domain.creators.keep(info, category=creator.category)
        await domain.communities.open_for(channel.creator_id)
    await creators.rest_channels(list(cast), domain.clock.now())
    while await domain.poller.poll_due():
        pass


async def jobs(settings: Settings, options: argparse.Namespace) -> int:
    """Show the queue, list what died, try it again."""
    async with opened(settings, works=False) as (_, domain):
        if options.retry is not None:
            await domain.operator.retry(options.retry)
            print(f"job {options.retry} is due again")
        elif options.retry_all:
            count = await domain.operator.retry_all(options.retry_all)
            if not count:
                raise Refusal(f"no job of the kind {options.retry_all} is dead; `run.py jobs` lists the dead")
            print(f"{count} jobs are due again")
        else:
            summary = await domain.operator.summary()
            for lane in summary.lanes:
                print(f"{lane.lane:8} due {lane.due:6}  running {lane.leased:4}  oldest {lane.oldest_s:8.1f} s")
            print(f"dead {summary.dead}, done {summary.done}")
            for job in await domain.operator.dead(limit=options.limit):
                print(f"  {job.id}  {job.kind}  tried {job.attempts} times  {job.last_error}")
    return 0


async def reindex(settings: Settings, options: argparse.Namespace) -> int:
    """Index every text for search anew; goes on where it was stopped, and the server may run meanwhile."""
    async with opened(settings, works=False) as (_, domain):
        progress = ProgressBar("texts indexed", await domain.communities.search.count())
        done = await domain.communities.search.reindex(progress.add)
        progress.close()
    print(f"{done} texts are indexed anew")
    return 0


async def import_chat(settings: Settings, options: argparse.Namespace) -> int:
    """Bring the log of a chat from elsewhere into a room; stopped, it goes on when it is run again."""
    async with opened(settings, works=False) as (_, domain):
        await import_log(
            domain,
            options.file,
            source=options.format,
            creator=options.creator,
            room=options.room,
            dry_run=options.dry_run,
        )
    return 0


async def grant_role(settings: Settings, options: argparse.Namespace) -> int:
    """Make somebody a fan, a moderator or an admin: the first admin comes from here."""
    async with opened(settings, works=False) as (_, domain):
        user_id = await people.user_of(options.email)
        if user_id is None:
            raise Refusal(f"nobody has the address {options.email}: sign up first")
        await domain.accounts.profiles.grant_role(user_id, options.role)
    print(f"{options.email} is {options.role} now")
    return 0


def one_to_200(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 200:
        raise argparse.ArgumentTypeError("it is a number from 1 to 200")
    return int(text)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description="MyPick", epilog="Settings: see .env.example")
    commands = parser.add_subparsers(title="commands", required=True)

    def command(name: str, function: Callable[..., Coroutine[Any, Any, int]]) -> argparse.ArgumentParser:
        text = (function.__doc__ or "").split("\n")[0]
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    for name, function in (("serve", serve), ("demo", demo)):
        server = command(name, function)
        server.add_argument("--host", dest="app_host", help="address to listen on (APP_HOST)")
        server.add_argument("--port", dest="app_port", type=int, help="0 takes any free one (APP_PORT)")
        if name == "serve":
            server.add_argument("--workers", type=int, help="processes that share the port (WORKERS)")
            # of one of those; the one that starts them writes these
            server.add_argument("--worker", type=int, help=argparse.SUPPRESS)
            server.add_argument("--folder", help=argparse.SUPPRESS)
    command("worker", worker)
    command("migrate", migrate).add_argument("--to", default="__latest__", help="a migration, or __first__ for none")
    command("seed", seed)
    queue = command("jobs", jobs)
    queue.add_argument("--retry", type=int, metavar="ID", help="try one dead job again")
    queue.add_argument("--retry-all", metavar="KIND", help="try all dead jobs of a kind again")
    queue.add_argument("--limit", type=one_to_200, default=50, metavar="N", help="dead jobs to list, 1 to 200")
    command("reindex", reindex)
    chat = command("import-chat", import_chat)
    chat.add_argument("--format", choices=sorted(FORMATS), required=True, help="what wrote the file")
    chat.add_argument("--creator", required=True, help="id or @handle of the creator whose community it is")
    chat.add_argument("--room", required=True, help="name of the room; made if it is not there")
    chat.add_argument("--dry-run", action="store_true", help="read it all and change nothing")
    chat.add_argument("file", type=Path)
    grant = command("grant-role", grant_role)
    grant.add_argument("email")
    grant.add_argument("role", choices=ROLES)
    options = parser.parse_args(arguments)
    given = ((name, getattr(options, name, None)) for name in ("app_host", "app_port", "workers"))
    options.overrides = {name: value for name, value in given if value is not None}
    return options


if __name__ == "__main__":
    raise SystemExit(main())
