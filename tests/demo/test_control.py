from __future__ import annotations

import base64

import pytest

from demo.youtube import PlatformEmulator
from tests.demo.conftest import Api
from tests.fakes import FakeClock


async def test_another_process_can_tell_a_whole_story(api: Api, emulator: PlatformEmulator, clock: FakeClock) -> None:
    async def do(action: str, **fields: object) -> str:
        status, answer = await api.control(action, **fields)
        assert status == 200, answer
        return str(answer["result"])

    channel = await do("add-channel", handle="alpha", title="하늘", custom="Alpha")
    video = await do("publish", channel_id=channel, title="첫 영상", kind="short", views=None)
    await do("schedule", channel_id=channel, title="later", publish_at="2026-01-01T21:10:00+09:00")
    stream = await do("schedule-live", channel_id=channel, title="tonight", planned_at="2026-01-01T13:00:00Z")
    await do("go-live", channel_id=channel, video_id=stream)
    clock.advance(900)
    await do("end-live", video_id=stream)
    await do("make-private", video_id=video)
    await do("make-public", video_id=video)
    await do("edit", video_id=video, title="고친 제목")
    await do("set-views", video_id=video, views=7)
    assert emulator.videos[video].title == "고친 제목"
    assert emulator.videos[video].views == 7
    assert emulator.videos[stream].duration_s == 900
    async with api.session.get(f"{emulator.address}/_control/state") as response:
        state = await response.json()
    assert state["channels"][channel]["uploads"] == 3
    assert len(state["channels"][channel]["newest"]) == 3, "what was scheduled has been published by now"
    await do("delete", video_id=video)
    await do("remove-channel", channel_id=channel)
    assert emulator.channels == {}


async def test_moods_are_driven_from_outside_and_do_not_lock_the_driver_out(
    api: Api, emulator: PlatformEmulator
) -> None:
    body = base64.b64encode(b'{"recorded": true}').decode()
    assert (await api.control("serve-body", path="/youtube/v3/videos", body=body, status=418))[0] == 200
    assert await api("videos") == (418, {"recorded": True})
    await api.control("stop-serving", path="/youtube/v3/videos")
    await api.control("fail-next", kind="server-error", times=1, where="site")
    assert (await api.page("/robots.txt"))[0] == 500
    await api.control("set-daily-quota", units=0)
    assert (await api("videos", part="id", id="x"))[0] == 403
    await api.control("outage", on=True)
    assert (await api.control("be-well"))[0] == 200
    assert (await api.page("/robots.txt"))[0] == 200


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        ("publish", {"channel_id": "UCnone", "title": "x"}, "no channel"),
        ("publish", {"title": "x"}, "channel_id"),
        ("publish", {"channel_id": "x", "title": 5}, "title"),
        ("schedule", {"channel_id": "x", "title": "x", "publish_at": "soon"}, "publish_at"),
        ("schedule", {"channel_id": "x", "title": "x", "publish_at": 5}, "publish_at"),
        ("fail-next", {"kind": "nonsense"}, "kind"),
        ("latency", {"seconds": 3_600}, "seconds"),
        ("serve-body", {"path": "/x", "body": "not base64!"}, "base64"),
        ("be-well", {"unknown": 1}, "unknown"),
    ],
)
async def test_what_is_wrong_is_said(api: Api, action: str, fields: dict[str, object], said: str) -> None:
    status, answer = await api.control(action, **fields)
    assert status == 400
    assert said in answer["error"]


async def test_what_is_no_json_object_is_refused(api: Api, emulator: PlatformEmulator) -> None:
    for body in (b"[]", b"{", b"\xff", b"5"):
        async with api.session.post(f"{emulator.address}/_control/be-well", data=body) as response:
            assert response.status == 400
