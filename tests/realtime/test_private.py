"""A private community is as if it were not there: its ids are answered by each command as ids that nobody has."""

from __future__ import annotations

from typing import Any

from mypick.community.commands import SendMessage
from mypick.community.discussions.commands import CreateComment, CreateDiscussion
from mypick.community.discussions.models import HeldPost
from mypick.community.models import Community, HeldMessage, Room
from mypick.community.policy import Role
from realtime.community import CommunityNamespace
from realtime.registry import commands_of
from tests.fakes import FakeClock
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Node
from tests.realtime.test_community import SPACE, appoint, node, open_room  # noqa: F401 - a fixture
from tests.realtime.test_desk import acting

NOBODYS = 8_888_888_888  # an id that nothing has
WORDS: dict[str, Any] = {
    "cid": "c", "text": "x", "title": "x", "reason": "x", "emoji": "👍", "q": "secret", "kind": "held",
    "vote": "up", "effect": "block", "follow": "muted", "languages": ["ko"], "seconds": 5, "seq": 1, "rev": 1,
    "before_seq": 5, "after_seq": 0, "on": True, "agree": True, "approve": True, "locked": True, "term_id": 1,
}  # fmt: skip
NO_SECRET = {"clock", "refresh-auth"}


async def test_every_command_answers_a_stranger_as_if_nothing_were_there(
    node: Node, clock: FakeClock, client: OpenClient  # noqa: F811
) -> None:
    room = await open_room(node, clock)
    community = (await Room.get(id=room)).community_id
    oz = acting(await appoint(await node.register("oz"), Role.OWNER, room, clock))
    services, now = node.communities, clock.now()
    said = await services.messages.send(oz, SendMessage(room_id=room, cid="m", text="secret"))
    begin = CreateDiscussion(community_id=community, cid="d", title="secret", text="secret")
    talk = await services.discussions.posts.create(oz, begin)
    answer = CreateComment(discussion_id=talk.id, cid="e", text="secret")
    comment = await services.discussions.posts.comment(oz, answer)
    held = await HeldMessage.create(id=7, room_id=room, author_id=999, text="x", cause="link", created_at=now)
    post = await HeldPost.create(
        id=8, community_id=community, author_id=999, title="x", text="x", cause="link", created_at=now
    )
    await Community.all().update(visibility="private")
    ids = {
        "room_id": room, "community_id": community, "message_id": said.id, "discussion_id": talk.id,
        "comment_id": comment.id, "post_id": post.id, "id": held.id,
    }  # fmt: skip
    one = await client(node, await node.register("ann"), space=SPACE)

    async def ask(name: str, there: bool) -> Any:
        spec = commands_of(CommunityNamespace)[name]
        words = {**WORDS, "user_id": oz.user_id, **(ids if there else dict.fromkeys(ids, NOBODYS))}
        if name == "decide-held" and there:
            words["message_id"] = held.id
        left_out = set() if name == "claim-item" else {"kind", "after_seq"}
        fields = {key: words[key] for key in spec.model.model_fields if key in words.keys() - left_out}
        return await one.ask(name, fields)

    told = []
    for name in sorted(commands_of(CommunityNamespace).keys() - NO_SECRET - {"sync"}):
        shown, hidden = await ask(name, True), await ask(name, False)
        if shown != hidden or "secret" in str(shown) or (shown["ok"] and not name.startswith("leave-")):
            told.append((name, shown, hidden))
    assert told == []
    for kind, number in (("room", room), ("community", community), ("discussion", talk.id), ("desk", community)):
        shown = await one.ask("sync", {"stream": f"{kind}:{number}", "after_seq": 0})
        assert shown == await one.ask("sync", {"stream": f"{kind}:{NOBODYS}", "after_seq": 0}), kind
        assert not shown["ok"], kind
