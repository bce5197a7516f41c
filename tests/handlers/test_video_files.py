"""Video files of watch parties: who adds them, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from mypick.community.models import Community, Membership
from mypick.community.policy import Role
from mypick.creators.models import Creator
from tests.fakes import FakeClock
from tests.handlers.conftest import Fan, Rest, code_of

FILE = {"url": "https://media.example/shows/encore.mp4", "title": "앙코르", "duration_s": 900}


@pytest.fixture
async def creator(alice: Fan, clock: FakeClock) -> int:
    """One whose community alice manages."""
    creator = await Creator.create(name="아이유", description="", created_at=clock.now())
    community = await Community.create(creator_id=creator.id, name="아이유", created_at=clock.now())
    await Membership.create(community_id=community.id, user_id=alice.id, rank=Role.MANAGER, joined_at=clock.now())
    return int(creator.id)


async def add(rest: Rest, fan: Fan, creator: int, **changes: Any) -> tuple[int, dict[str, Any]]:
    status, body, _ = await rest.call("POST", f"/creators/{creator}/files", headers=fan.headers, json=FILE | changes)
    return status, body


async def test_a_file_becomes_a_video_of_the_creator_that_a_party_plays(rest: Rest, alice: Fan, creator: int) -> None:
    status, body = await add(rest, alice, creator)
    assert status == 201, body
    content = body["data"]
    assert (content["platform"], content["kind"], content["url"]) == ("file", "video", FILE["url"])
    _, listed, _ = await rest.call("GET", f"/creators/{creator}/videos", headers=alice.headers)
    assert [one["id"] for one in listed["data"]] == [content["id"]]
    opening = {"content_id": content["id"], "visibility": "public"}
    status, party, _ = await rest.call("POST", "/watch-parties", headers=alice.headers, json=opening)
    assert status == 201
    assert party["data"]["content"]["url"] == FILE["url"]


async def test_the_same_address_again_changes_what_is_said_of_it(rest: Rest, alice: Fan, creator: int) -> None:
    _, first = await add(rest, alice, creator)
    _, again = await add(rest, alice, creator, title="앙코르 무대", duration_s=901)
    assert again["data"] == first["data"] | {"title": "앙코르 무대", "duration_s": 901}


async def test_only_managers_of_the_community_add_files(rest: Rest, alice: Fan, bob: Fan, creator: int) -> None:
    status, body = await add(rest, bob, creator)
    assert (status, code_of(body)) == (403, "FORBIDDEN")
    status, body = await add(rest, alice, creator + 1)
    assert (status, code_of(body)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/encore.mp4",
        "https://media.example.evil.example/encore.mp4",
        "https://media.example:444/encore.mp4",
        "https://media.example@evil.example/encore.mp4",
        "http://media.example/encore.mp4",
        "https://media.example",
        "https://media.example/a b.mp4",
        "javascript:alert(1)",
    ],
)
async def test_files_lie_where_the_operator_has_said(rest: Rest, alice: Fan, creator: int, url: str) -> None:
    status, body = await add(rest, alice, creator, url=url)
    assert (status, code_of(body)) == (400, "INVALID"), body
