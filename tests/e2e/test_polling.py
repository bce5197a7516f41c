"""A client that cannot open a WebSocket: python-socketio's own, over long polling."""

from __future__ import annotations

from tests.e2e.conftest import OpenDevice
from tests.e2e.stack import Rest, Stack, until


async def test_python_over_polling_hears_and_marks_as_over_a_websocket(
    stack: Stack, alice: Rest, device: OpenDevice, polling_device: OpenDevice
) -> None:
    channel = stack.emulator.add_channel("tunnel", "Through the Tunnel")
    await alice.follow("@tunnel")
    behind, laptop = await polling_device(alice), await device(alice)
    for title in ("one", "둘", "three"):
        stack.emulator.publish(channel, title)
    await until(lambda: len(behind.notifications) == len(laptop.notifications) == 3, 45)
    assert behind.client.transport() == "polling"
    assert behind.notifications == laptop.notifications
    assert [event["seq"] for event in behind.notifications] == [1, 2, 3]

    assert await behind.ask("mark-read", {"upto_seq": 2}) == {"ok": True, "data": {"unread_count": 1}}
    assert await until(lambda: laptop.read) == [{"upto_seq": 2, "unread_count": 1}]
    assert await laptop.ask("mark-read", {"upto_seq": 3}) == {"ok": True, "data": {"unread_count": 0}}
    assert await until(lambda: behind.read) == [{"upto_seq": 3, "unread_count": 0}]
    assert stack.failures() == []
