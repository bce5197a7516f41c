"""Who is told of a message, and who is not."""

from __future__ import annotations

import pytest

from mypick.accounts.actor import Actor
from mypick.community.commands import BanMember, EditMessage, SetRole
from mypick.community.discussions.commands import EditComment, EditDiscussion
from mypick.community.entry.commands import CreateRoom
from mypick.community.policy import Role
from mypick.community.texts import excerpt, has_link, mentioned, message_text, text_hash
from tests.community.discussions.stage import begin, say
from tests.community.stage import Cast, Node, cid, community, user
from tests.fakes import FakeClock


async def kinds(node: Node, who: Actor) -> list[str]:
    await node.carry_all()
    return [item.data.kind for item in (await node.notifications.unread(who)).items]


@pytest.mark.parametrize("how", ["left", "banned", "staff"])
async def test_who_reads_no_longer_is_not_told_what_is_said_now(node: Node, clock: FakeClock, how: str) -> None:
    """A notice that quotes a message says what the message says now; of what one may not read it says nothing."""
    roles = {"mo": Role.MODERATOR, "oz": Role.OWNER}
    cast = await community(node, clock, "bob", "mo", "oz", visibility="private", roles=roles)
    services, oz, who = node.communities, cast["oz"], cast["mo"] if how == "staff" else cast["bob"]
    room = cast.room
    if how == "staff":
        room = (await services.settings.create_room(oz, cast.community, CreateRoom(name="back", kind="staff"))).id
    sent = await node.send(oz, room, f"<@{who.user_id}> come")
    talk = await begin(node, oz, cast.community, text=f"<@{who.user_id}> look")
    comment = await say(node, oz, talk.id, f"<@{who.user_id}> here")
    assert await kinds(node, who) == ["mention"] * 3
    if how == "left":
        await services.members.leave(who, cast.community)
    elif how == "banned":
        await services.moderation.ban(oz, BanMember(room_id=room, user_id=who.user_id, cid=cid()))
    else:
        await services.members.set_role(oz, cast.community, who.user_id, SetRole(role="member"))
    await services.edits.edit(oz, EditMessage(message_id=sent.id, cid=cid(), text="a secret", rev=1))
    assert "a secret" not in str(await node.notifications.unread(who))
    if how == "staff":
        return
    posts = services.discussions.edits
    edit = EditDiscussion(discussion_id=talk.id, cid=cid(), title="A title", text="a secret", rev=1)
    await posts.edit_discussion(oz, edit)
    await posts.edit_comment(oz, EditComment(comment_id=comment.id, cid=cid(), text="a secret", rev=1))
    assert "a secret" not in str(await node.notifications.unread(who))


async def test_mention_and_reply_tell_once(node: Node, cast: Cast) -> None:
    alice, bob = cast["alice"], cast["bob"]
    question = await node.send(bob, cast.room, "a question")
    both = f"<@{bob.user_id}> <@{bob.user_id}> and <@{alice.user_id}>, <@{10**9}>"
    await node.send(alice, cast.room, both, reply_to=question.id)
    assert await kinds(node, bob) == ["reply"], "who is answered is not told of the mention too"
    assert await kinds(node, alice) == [], "nobody tells oneself"
    await node.send(alice, cast.room, f"<@{bob.user_id}>")
    assert await kinds(node, bob) == ["mention", "reply"]


async def test_mentions_of_newcomers_and_of_those_who_may_not_read_tell_nobody(node: Node, clock: FakeClock) -> None:
    cast = await community(node, clock, "alice", "bob", "oz", roles={"oz": Role.OWNER}, visibility="members")
    guest = await user("guest", clock)
    await node.send(cast["alice"], cast.room, f"<@{guest.user_id}>")
    assert await kinds(node, guest) == []
    open_cast = await community(node, clock, "dora", "emil", "mo", roles={"mo": Role.MODERATOR})
    await node.send(guest, open_cast.room, f"<@{open_cast['dora'].user_id}>")
    assert await kinds(node, open_cast["dora"]) == [], "a newcomer's mention stands in the text alone"
    ban = BanMember(room_id=open_cast.room, user_id=open_cast["emil"].user_id, cid=cid())
    await node.communities.moderation.ban(open_cast["mo"], ban)
    await node.send(open_cast["dora"], open_cast.room, f"<@{open_cast['emil'].user_id}>")
    assert await kinds(node, open_cast["emil"]) == ["announcement"], "of the ban, and of no mention"


def test_at_most_five_people_are_mentioned_each_once() -> None:
    assert mentioned("<@3> <@1> <@3> <@04> <@99999999999999999999> <@2> <@5> <@6> <@7>") == [3, 1, 2, 5, 6]


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/x",
        "HTTP://A.EXAMPLE",
        "see www.naver.com",
        "go to discord.gg/abc",
        "ｈｔｔｐｓ://a.example",
        "naver.com에서",
        "example.co.kr",
        "//evil.example/",
    ],
)
def test_links_are_seen(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize(
    "text", ["hello.Then we go", "ㅋㅋㅋ...", "3.14", "안녕.하세요", "e.g. this", "a/b // c", "v1.2.3"]
)
def test_innocent_text_is_no_link(text: str) -> None:
    assert not has_link(text)


def test_text_is_trimmed_and_composed() -> None:
    assert message_text("  \u1112\u1161\u11ab\r\n글 ") == "한\n글"
    for empty in ("", "   ", "\u200b\u3164", "\ufeff\n"):
        with pytest.raises(ValueError, match="empty"):
            message_text(empty)
    with pytest.raises(ValueError, match="control"):
        message_text("a\x1bb")


def test_texts_that_look_alike_are_the_same() -> None:
    assert text_hash("Hello  World") == text_hash("ｈｅｌｌｏ\u200bworld") != text_hash("hello word")


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("hi\n\n<@17>  there") == "hi @… there"
    assert len(excerpt("x" * 500)) == 140
