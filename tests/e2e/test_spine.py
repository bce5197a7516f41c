"""A creator posts, every follower's socket hears it: on both ways to run MyPick, through real processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.conftest import OpenDevice
from tests.e2e.stack import Rest, Stack, until


async def test_what_a_creator_posts_reaches_followers_and_nobody_else(
    stack: Stack, alice: Rest, bob: Rest, device: OpenDevice
) -> None:
    channel = stack.emulator.add_channel("morning", "Morning Notes")
    stack.emulator.publish(channel, "before anybody came", at=datetime.now(UTC) - timedelta(minutes=1))
    await alice.follow("@morning")
    hers, his = await device(alice), await device(bob)
    assert hers.unread[0]["unread_count"] == 0

    stack.emulator.publish(channel, "first light")
    (event,) = await until(lambda: hers.notifications, what="nothing arrived")

    assert event["stream"] == f"inbox:{alice.user['id']}"
    assert event["seq"] == 1
    assert event["data"] | {"image_url": None, "content_id": 0, "url": ""} == {
        "kind": "new-video",
        "title": "Morning Notes",
        "body": "first light",
        "url": "",
        "image_url": None,
        "creator_id": event["data"]["creator_id"],
        "content_id": 0,
        "unread_count": 1,
    }
    feed = await alice.ok("GET", "/feed")
    assert [item["title"] for item in feed] == ["first light", "before anybody came"]
    assert his.notifications == []
    assert await bob.ok("GET", "/feed") == []
    assert stack.failures() == []


async def test_reading_on_one_device_shows_on_the_other_and_over_rest(
    stack: Stack, alice: Rest, device: OpenDevice
) -> None:
    channel = stack.emulator.add_channel("pans", "Two Pans")
    await alice.follow("@pans")
    phone, laptop = await device(alice), await device(alice)
    for number in range(3):
        stack.emulator.publish(channel, f"stew {number}")
    await until(lambda: len(laptop.notifications) == 3 and len(phone.notifications) == 3)
    assert [event["seq"] for event in phone.notifications] == [1, 2, 3]
    assert [event["data"]["unread_count"] for event in phone.notifications] == [1, 2, 3]

    reply = await phone.ask("mark-read", {"upto_seq": 2})
    assert reply == {"ok": True, "data": {"unread_count": 1}}
    (told,) = await until(lambda: laptop.read)
    assert told == {"upto_seq": 2, "unread_count": 1}

    status, answer = await alice.call("GET", "/notifications?unread=true")
    assert status == 200
    assert [item["seq"] for item in answer["data"]] == [3]
    assert answer["metadata"]["unread_count"] == 1
    await alice.ok("POST", "/notifications/read", {"upto_seq": 3})
    await until(lambda: len(laptop.read) == 2)
    assert laptop.read[1]["unread_count"] == 0


async def test_who_comes_later_gets_the_unread_and_can_resume(stack: Stack, alice: Rest, device: OpenDevice) -> None:
    channel = stack.emulator.add_channel("late", "Late Show")
    await alice.follow("@late")
    watching = await device(alice)
    stack.emulator.publish(channel, "one")
    stack.emulator.publish(channel, "two")
    await until(lambda: len(watching.notifications) == 2)

    later = await device(alice)
    unread = later.unread[0]
    assert (unread["unread_count"], unread["head_seq"], [item["seq"] for item in unread["items"]]) == (2, 2, [2, 1])
    reply = await later.ask("sync", {"stream": unread["stream"], "epoch": unread["epoch"], "after_seq": 0})
    events = reply["data"]["events"]
    assert [event["seq"] for event in events] == [1, 2]
    assert [{key: event[key] for key in event if key != "type"} for event in events] == watching.notifications
    assert later.notifications == []

    def now(event: dict[str, Any]) -> dict[str, Any]:
        return event | {"data": event["data"] | {"unread_count": 2}}  # of the inbox as it stands, not as it stood

    newest_first = [now(event) for event in reversed(watching.notifications)]
    assert unread["items"] == newest_first
    assert await alice.ok("GET", "/notifications") == [event | {"read": False} for event in newest_first]


async def test_ending_a_session_closes_its_sockets_and_refuses_its_token(
    stack: Stack, alice: Rest, device: OpenDevice
) -> None:
    phone = await device(alice)
    first_token = alice.token
    await alice.log_in("alice")
    laptop = await device(alice)
    sessions = await alice.ok("GET", "/users/me/sessions")
    (other,) = [session for session in sessions if not session["current"]]
    await alice.ok("DELETE", f"/users/me/sessions/{other['id']}")
    (told,) = await until(lambda: phone.evicted, what="the socket of the ended session was not told")
    assert told["code"] == "UNAUTHENTICATED"
    alice.token = first_token
    assert (await alice.call("GET", "/users/me"))[0] == 401
    assert laptop.client.connected
    assert (await laptop.ask("clock", {"t0": 1}))["ok"]
