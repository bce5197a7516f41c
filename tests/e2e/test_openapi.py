"""The published documents against the whole server that publishes them."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from realtime.community import CommunityNamespace
from realtime.notifications import NotificationsNamespace
from realtime.registry import commands_of
from realtime.watchparty import WatchPartyNamespace
from tests.e2e.stack import WAIT, Rest, Stack, running

ASYNCAPI_SCHEMA = Path(__file__).parents[1] / "handlers/asyncapi-3.0.0.json"
EXAMPLES = 15  # requests of one operation
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NEEDS_MORE = {  # a secret, or a channel that exists: no example can know it
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/users/me/password",
    "POST /api/v1/creators",
    "POST /api/v1/creators/{creator_id}/files",  # a host that the operator names
    "POST /api/v1/watch-parties",
    "POST /api/v1/watch-parties/{party_id}/members",
    "PATCH /api/v1/watch-parties/{party_id}",  # bodies that are drawn name nothing, or null
    "PUT /api/v1/communities/{community_id}/rooms/order",
    "POST /api/v1/communities/{community_id}/owner",
    "POST /api/v1/rooms/{room_id}/timeouts",
    "POST /api/v1/rooms/{room_id}/bans",
    "POST /api/v1/rooms/{room_id}/unbans",
    "POST /api/v1/rooms/{room_id}/purges",
    "POST /api/v1/claims/{claim_id}/check",
    "POST /api/v1/claims/{claim_id}/decision",
    "POST /api/v1/users/me/erase",
    "GET /api/v1/communities/{community_id}/search",
    "GET /api/v1/search",  # times and a cursor that fit, all at once
}
ENDS_SESSIONS = ("endMySession", "logOut")  # each with a session to lose
ASKED_LAST = ("changeRoom", "changeCommunity", "transferCommunity", *ENDS_SESSIONS, "endMyOtherSessions")


@pytest.fixture
async def server(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Stack]:
    limits = orjson.dumps({"auth.register": "1000/1m", "search": "1000/1m"}).decode()  # lists of members share it
    async with running(tmp_path, sqlite_url, development=False, RATE_LIMITS=limits) as stack:
        yield stack


@pytest.fixture
async def document(server: Stack, http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.get(f"{server.url}/api/docs/spec") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def test_every_operation_answers_as_its_document_says(
    server: Stack, http: aiohttp.ClientSession, document: dict[str, Any], tmp_path: Path
) -> None:
    OpenAPIV31SpecValidator(document).validate()
    channel = server.emulator.add_channel("docs", "By the Book")
    server.emulator.publish(channel, "chapter one")
    alice = Rest(server.url, http)
    await alice.register("alice")
    creator_id = await alice.follow("@docs")
    bob = Rest(server.url, http)
    await bob.register("bob")
    here = {"creator_id": creator_id, "user_id": int(alice.user["id"]), **await _community(alice, bob, creator_id)}
    server.emulator.add_channel("other", "By the Other Book")
    opened = await alice.ok("GET", f"/communities?creator_id={await alice.follow('@other')}")
    here["leaveCommunity.community_id"] = opened[0]["id"]  # an owner would have to stay
    here["key_id"] = (await alice.ok("POST", "/users/me/api-keys", {"name": "docs", "scopes": ["read"]}))["id"]
    with sqlite3.connect(tmp_path / "mypick.sqlite3") as connection:
        owner = (here["community_id"], alice.user["id"])
        connection.execute("UPDATE membership SET rank = 5 WHERE community_id = ? AND user_id = ?", owner)
        there, people = opened[0]["id"], (int(alice.user["id"]), int(bob.user["id"]))
        here |= _ways_in(connection, here["community_id"], there, *people)
        here |= _at_the_desk(connection, here, there, *people)
    connection.close()
    here |= await _discussions(alice, bob, here["community_id"])
    here |= await _parties(alice, bob, creator_id)
    here["export_id"] = (await alice.ok("POST", "/users/me/export"))["id"]
    tokens = {}
    for operation in ENDS_SESSIONS:
        tokens[operation] = alice.token
        await alice.log_in("alice")
    asked = await asyncio.to_thread(_ask_everything, document, server.url, alice.token, tokens, here)
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert set(asked) == described
    never = {operation for operation, statuses in asked.items() if not statuses & {200, 201}}
    assert never <= NEEDS_MORE, "what is never done is not tested"
    assert server.failures() == []


async def _community(alice: Rest, bob: Rest, creator_id: int) -> dict[str, Any]:
    """Ids of a community that both have joined, of its room, and of what can be done there: by the parameter that
    takes them, or by the operation and the parameter."""
    community = await alice.ok("POST", "/communities", {"creator_id": creator_id})
    room = community["rooms"][0]["id"]
    for fan in (alice, bob):
        await fan.ok("POST", f"/communities/{community['id']}/members/me")
    sent = [
        await alice.ok("POST", f"/rooms/{room}/messages", {"cid": f"docs-{number}", "text": f"message {number}"})
        for number in range(3)
    ]
    theirs = await bob.ok("POST", f"/rooms/{room}/messages", {"cid": "docs", "text": "hello"})
    return {
        "reportMessage.message_id": theirs["id"],
        "decideReports.message_id": sent[2]["id"],
        "community_id": community["id"],
        "room_id": room,
        "setRole.user_id": int(bob.user["id"]),
        "message_id": sent[0]["id"],
        "deleteMessage.message_id": sent[1]["id"],
    }


async def _discussions(alice: Rest, bob: Rest, community_id: int) -> dict[str, Any]:
    """Ids of discussions and comments of alice, who owns the community, and of bob, who is new in it."""
    cids = map(str, itertools.count())

    async def begin(who: Rest) -> int:
        said = {"cid": next(cids), "title": "a question", "text": f"number {next(cids)}"}
        return int((await who.ok("POST", f"/communities/{community_id}/discussions", said))["id"])

    async def say(who: Rest, text: str = "an answer") -> int:
        said = {"cid": next(cids), "text": f"{text} {next(cids)}"}
        return int((await who.ok("POST", f"/discussions/{kept}/comments", said))["id"])

    kept = await begin(alice)
    return {
        "discussion_id": kept,
        "deleteDiscussion.discussion_id": await begin(alice),
        "reportDiscussion.discussion_id": await begin(bob),
        "comment_id": await say(alice),
        "deleteComment.comment_id": await say(alice),
        "reportComment.comment_id": await say(bob),
        "post_id": await say(bob, "https://x.example/"),
    }


async def _parties(alice: Rest, bob: Rest, creator_id: int) -> dict[str, Any]:
    """Ids of parties of alice's, one of them to be ended, and of bob, who was asked to one."""
    async with asyncio.timeout(WAIT):
        while not (videos := await alice.ok("GET", f"/creators/{creator_id}/videos")):
            await asyncio.sleep(0.05)
    body = {"content_id": videos[0]["id"], "visibility": "public"}
    kept, ended = [int((await alice.ok("POST", "/watch-parties", body))["id"]) for _ in range(2)]
    await alice.ok("POST", f"/watch-parties/{kept}/members", {"user_id": int(bob.user["id"])})
    later = {"starts_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    planned = int((await alice.ok("POST", "/watch-parties", body | later))["id"])
    invite = await alice.ok("POST", f"/watch-parties/{kept}/invites", {"max_uses": 1})
    return {
        "attendWatchParty.party_id": planned,
        "unattendWatchParty.party_id": planned,
        "revokePartyInvite.invite_id": int(invite["id"]),
        "party_id": kept,
        "endWatchParty.party_id": ended,
        "kickPartyMember.user_id": int(bob.user["id"]),
        "unbanPartyMember.user_id": int(bob.user["id"]),
    }


def _insert(connection: sqlite3.Connection, table: str, **columns: Any) -> int:
    columns["created_at"] = datetime.now(UTC).isoformat(sep=" ")  # what is old is cleared up
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    row = connection.execute(statement, list(columns.values())).lastrowid or 0
    return int(columns.get("id", row))


def _at_the_desk(
    connection: sqlite3.Connection, known: dict[str, Any], there: int, alice: int, bob: int
) -> dict[str, Any]:
    """What waits for moderators, and a timeout of alice in another community."""
    insert, here, room = partial(_insert, connection), known["community_id"], known["room_id"]
    held = [
        insert("held_message", id=10**9 + one, room_id=room, author_id=bob, text="x", cause="link", status="waiting")
        for one in range(2)
    ]
    reported = known["decideReports.message_id"]
    of_bob = {"reporter_id": bob, "reason": "x", "weight": 100}
    insert("report", id=10**9, community_id=here, message_id=reported, kind="message", **of_bob)
    return {
        "purge_id": insert("purge", id=10**9, community_id=here, user_id=bob, actor_id=alice, found=0, done=0),
        "appeal_id": insert(
            "appeal", community_id=here, sanction_id=10**9, kind="ban", user_id=bob, text="x", status="waiting"
        ),
        "sanction_id": insert("sanction", community_id=there, user_id=alice, kind="timeout", actor_id=bob),
        "decideHeld.message_id": held[0],
        "claimItem.kind": "held",
        "claimItem.item_id": held[1],
    }


def _ways_in(connection: sqlite3.Connection, here: int, there: int, alice: int, bob: int) -> dict[str, Any]:
    """An invite, a request and a claim, and a members-only community ``there``, where alice may ask."""
    connection.execute("UPDATE community SET visibility = 'members' WHERE id = ?", (there,))
    insert = partial(_insert, connection)
    mode = {"slow_seconds": 0, "members_only": 0, "follow_minutes": 0, "locked": 0, "unique_text": 0, "previews": 1}
    insert("room", community_id=here, name="another", kind="chat", position=1, **mode)  # so that one can be archived
    insert("join_request", community_id=there, user_id=alice, text="hello", status="waiting")
    code = "ABCDE23456"
    return {
        "code": code,
        "invite_id": insert("invite", community_id=here, code=code, max_uses=5, actor_id=alice, uses=0, approval=False),
        "request_id": insert("join_request", community_id=here, user_id=bob, text="hello", status="waiting"),
        "claim_id": insert("creator_claim", community_id=there, user_id=bob, code="x", text="", status="waiting"),
        "withdrawClaim.claim_id": insert(
            "creator_claim", community_id=here, user_id=alice, code="y", text="", status="waiting"
        ),
        "askToJoin.community_id": there,
        "claimCommunity.community_id": there,
        "withdrawRequest.community_id": there,
        "getCommunityAbout.community_id": there,
    }


def _ask_everything(
    document: dict[str, Any], url: str, token: str, tokens: dict[str, str], here: dict[str, Any]
) -> dict[str, set[int]]:
    """Ask each operation what its document allows, and what it does not. The statuses that came, by operation.
    ``tokens``: of operations that ask with another than ``token``. ``here``: ids of things that exist, as
    ``_community`` names them; every second request has them, the first of them the one with the example."""
    schema = schemathesis.openapi.from_dict(document)
    found = list(schema.get_all_operations())
    operations: list[Any] = [result.ok() for result in found if isinstance(result, Ok)]
    assert len(operations) == len(found), found
    random.Random(1).shuffle(operations)

    def named(operation: Any) -> str:
        return str(operation.definition.raw["operationId"])

    last = {name: place for place, name in enumerate(ASKED_LAST, 1)}
    operations.sort(key=lambda operation: last.get(named(operation), 0))
    asked: dict[str, set[int]] = {}
    for operation in operations:
        known = {
            parameter.name: known_id
            for parameter in operation.path_parameters
            if (known_id := here.get(f"{named(operation)}.{parameter.name}", here.get(parameter.name))) is not None
        }
        statuses = asked[f"{operation.method.upper()} {operation.path}"] = set()
        _ask(operation, url, tokens.get(named(operation), token), known, statuses)
    return asked


def _ask(operation: Any, url: str, token: str, known: dict[str, Any], statuses: set[int]) -> None:
    turn = itertools.count()

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Case[Any]) -> None:
        number = next(turn)
        if known and number % 2 == 0:
            case.path_parameters = {**(case.path_parameters or {}), **known}
            if isinstance(case.body, dict) and isinstance(case.body.get("cid"), str):
                case.body = {**case.body, "cid": f"{operation.label}-{number}"[-64:]}  # short ones are used up
            for given in (case.body, case.query):
                if isinstance(given, dict) and "emoji" in given:
                    given["emoji"] = "👍"  # no schema says what an emoji is
        response = case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
        statuses.add(response.status_code)

    ask()


async def test_the_event_document_is_valid_and_names_every_event(server: Stack, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{server.url}/api/docs/events/spec") as answer:
        document = await answer.json()
    jsonschema.Draft7Validator(orjson.loads(ASYNCAPI_SCHEMA.read_bytes())).validate(document)
    for namespace in (NotificationsNamespace, CommunityNamespace, WatchPartyNamespace):
        (channel,) = [one for one in document["channels"].values() if one["address"] == namespace.name]
        named = set(channel["messages"])
        expected = {*commands_of(namespace), *(event.name for event in namespace.sends)}
        assert expected <= named
        assert {name.removesuffix(".ack").removesuffix(".sent") for name in named} == expected
