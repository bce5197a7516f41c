"""The demonstration as a newcomer meets it, and what is left of it on a plain server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import socketio

from demo.film import FILMS
from tests.e2e.stack import Process, Rest, ran, until

PARTIES = "/watch-party"


async def seed(folder: Path, **settings: str) -> tuple[int, str, str]:
    return await ran(folder, "seed", **settings)


async def test_more_people_sign_up_to_the_demonstration_than_to_a_server(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    log = tmp_path / "demo.log"
    demonstration = Process(["demo", "--port", "0"], {"APP_HOST": "127.0.0.1"}, log, development=False)
    await demonstration.start()
    try:
        for number in range(6):  # one more than a server allows in an hour
            await Rest(f"http://127.0.0.1:{demonstration.port}", http).register(f"person-{number}")
    finally:
        await asyncio.to_thread(demonstration.stop)


async def test_production_takes_no_invented_creators(tmp_path: Path) -> None:
    secrets = {"JWT_SECRET": "a" * 40, "JWT_REFRESH_SECRET": "b" * 40}
    status, said, refusal = await seed(tmp_path, APP_ENV="production", **secrets)
    assert (status, said) == (2, "")
    assert refusal == (
        "mypick: invented creators have no place in APP_ENV=production: take another APP_ENV and database.\n"
    )
    assert not (tmp_path / "var").exists()


async def test_seeded_creators_have_content_and_no_picture_of_a_server_that_has_ended(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    status, said, _ = await seed(tmp_path)
    assert status == 0
    assert said.startswith("12 creators are here")
    assert "they never post" in said
    server = Process(["serve", "--port", "0"], {"APP_HOST": "127.0.0.1"}, tmp_path / "server.log", development=False)
    await server.start()
    try:
        rest = Rest(f"http://127.0.0.1:{server.port}", http)
        await rest.register("alice")
        creators = await rest.ok("GET", "/creators?limit=50")
        assert [creator["avatar_url"] for creator in creators] == [None] * 12
        videos = await rest.ok("GET", f"/creators/{creators[0]['id']}/videos?limit=5")
        assert [video["image_url"] for video in videos] == [None] * 5
    finally:
        await asyncio.to_thread(server.stop)


async def playing_party(rest: Rest) -> dict[str, Any]:
    """The first party that is on, once its video runs."""
    async with asyncio.timeout(30):
        while True:
            parties = await rest.ok("GET", "/watch-parties?live=true")
            if parties and parties[0]["status"] == "playing":
                return dict(parties[0])
            await asyncio.sleep(0.1)


async def told_of(port: int, token: str, party_id: int) -> int:
    """How many are in a party, as one who comes is told; at least two, or what was said last."""
    client, told = socketio.AsyncClient(reconnection=False), list[int]()
    client.on("presence", lambda data: told.append(data["online"]), namespace=PARTIES)
    await client.connect(f"http://127.0.0.1:{port}", auth={"token": token}, namespaces=[PARTIES])
    try:
        joined = await client.call("join-party", {"party_id": party_id}, namespace=PARTIES)
        assert joined["ok"], joined
        await until(lambda: told and told[-1] > 1, what=f"of two in the party there were told {told}")
    finally:
        await client.disconnect()
    return told[-1]


async def test_a_newcomer_finds_a_party_that_plays_a_film_of_this_server_and_finds_it_again_after_a_restart(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    demonstration = Process(
        ["demo", "--port", "0"], {"APP_HOST": "127.0.0.1"}, tmp_path / "demo.log", development=False
    )
    await demonstration.start()
    try:
        rest = Rest(f"http://127.0.0.1:{demonstration.port}", http)
        await rest.register("alice")
        party = await playing_party(rest)
        film = party["content"]
        assert (film["platform"], film["duration_s"]) == ("file", FILMS[0].seconds)
        part = {"Range": "bytes=100-199"}
        async with http.get(f"http://127.0.0.1:{demonstration.port}{film['url']}", headers=part) as answer:
            assert (answer.status, answer.content_type) == (206, "video/webm")
            assert await answer.read() == FILMS[0].path.read_bytes()[100:200]
        queue = await rest.ok("GET", f"/watch-parties/{party['id']}/queue")
        assert [item["content"]["title"] for item in queue["items"]] == [film.title for film in FILMS[1:]]
        assert await told_of(demonstration.port, rest.token, party["id"]) == 2  # its host has no socket, and counts
        await asyncio.to_thread(demonstration.stop)
        await demonstration.start()
        assert (await playing_party(rest))["id"] == party["id"]
    finally:
        await asyncio.to_thread(demonstration.stop)
