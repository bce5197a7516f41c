"""The same corpus at the socket door, and texts that pass through all of it: platform, database, socket, feed."""

from __future__ import annotations

from typing import Any

import pytest
import socketio

from tests.e2e.stack import Device, Rest, Stack, until
from tests.wrong_input.corpus import STRANGE_TEXTS, WRONG_VALUES, bad_tokens

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS: dict[str, dict[str, Any]] = {
    "clock": {"t0": 1},
    "sync": {"stream": "inbox:1", "epoch": None, "after_seq": 0, "limit": 10},
    "refresh-auth": {"token": "a.b.c"},
}


async def test_bad_tokens_are_refused_with_code_and_message(stack: Stack, victim: Rest) -> None:
    for name, token in bad_tokens(victim.token, victim.refresh_token).items():
        device = Device(stack.url, victim)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await device.open(token)
        await device.close()
        assert device.refused[0]["data"]["code"] == "UNAUTHENTICATED", name
        assert device.refused[0]["data"]["message"], name


async def test_wrong_values_in_every_field_get_an_answer(stack: Stack, mallory: Rest) -> None:
    device = Device(stack.url, mallory)
    await device.open()
    values: list[Any] = [*WRONG_VALUES, *STRANGE_TEXTS]
    for event, right in FIELDS.items():
        for field in right:
            for value in values:
                reply = await device.ask(event, {**right, field: value})
                known = ("INVALID", "NOT_FOUND", "UNAUTHENTICATED")
                assert reply["ok"] or reply["error"]["code"] in known, (event, field, value, reply)
                assert reply["ok"] or "Input" not in reply["error"]["message"], (event, field, value, reply)
        for value in values:
            assert (await device.ask(event, value))["error"]["code"] == "INVALID", (event, value)
    for text in STRANGE_TEXTS:
        assert (await device.ask(text, {}))["error"]["code"] == "INVALID"
    assert (await device.ask("clock", {"t0": 1}))["ok"]
    await device.close()


async def test_another_users_stream_and_notifications_are_out_of_reach(
    stack: Stack, mallory: Rest, victim: Rest
) -> None:
    device = Device(stack.url, mallory)
    await device.open()
    reply = await device.ask("sync", {"stream": f"inbox:{victim.user['id']}", "after_seq": 0})
    assert reply["error"]["code"] == "NOT_FOUND"
    assert (await device.ask("refresh-auth", {"token": victim.token}))["error"]["code"] == "FORBIDDEN"
    assert (await device.ask("mark-read", {"ids": list(range(1, 200))}))["ok"]
    await device.close()


async def test_what_a_creator_writes_arrives_letter_for_letter(stack: Stack, mallory: Rest) -> None:
    """Names and titles of platforms are others' text: HTML and SQL in them are text, everywhere."""
    title = "<script>alert('x')</script> \"; DROP TABLE creator; --"
    channel = stack.emulator.add_channel("strange", title)
    await mallory.follow("@strange")
    device = Device(stack.url, mallory)
    await device.open()
    for text in STRANGE_TEXTS:
        stack.emulator.publish(channel, text)
    await until(lambda: len(device.notifications) == len(STRANGE_TEXTS), what="not all arrived")
    assert sorted(device.titles()) == sorted(STRANGE_TEXTS)
    assert {event["data"]["title"] for event in device.notifications} == {title}
    feed = await mallory.ok("GET", "/feed?limit=100")
    assert sorted(item["title"] for item in feed) == sorted(STRANGE_TEXTS)
    status, found = await mallory.call("GET", "/creators?q=%3Cscript%3E")
    assert (status, [creator["name"] for creator in found["data"]]) == (200, [title])
    await device.close()
