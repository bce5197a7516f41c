"""Telling one person what was decided about them, in their language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from mypick.accounts import queries as people
from mypick.community.models import Community
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import TELL, Announcement, announce_to

Word = Literal[
    "request-accepted", "request-refused", "claim-accepted", "claim-refused", "timeout", "ban", "lifted", "kept",
    "removed", "owner", "not-shown", "not-looked-at", "discussion-shown", "discussion-not-shown",
    "discussion-not-looked-at", "comment-shown", "comment-not-shown", "comment-not-looked-at",
]  # fmt: skip

# {name} is the community's. A title and what stands below it where nobody gave a reason.
WORDS: Mapping[Word, Mapping[str, tuple[str, str]]] = {
    "request-accepted": {
        "en": ("You are in: {name}", "A moderator let you in. Come and say hello."),
        "ko": ("{name}에 들어왔어요", "운영진이 가입을 승인했어요. 인사를 나눠 보세요."),
    },
    "request-refused": {
        "en": ("Not this time: {name}", "A moderator declined your request to join."),
        "ko": ("{name} 가입이 거절되었어요", "운영진이 가입 요청을 받아들이지 않았어요."),
    },
    "claim-accepted": {
        "en": ("{name} is yours", "You own this community now."),
        "ko": ("{name}의 소유자가 되었어요", "채널에서 코드를 확인했거나 관리자가 승인했어요."),
    },
    "claim-refused": {
        "en": ("Your claim to {name} was declined", "Place the code on your channel, or write to the admins."),
        "ko": ("{name} 소유 신청이 거절되었어요", "채널에 코드를 넣거나 관리자에게 문의해 주세요."),
    },
    "timeout": {
        "en": ("You were timed out in {name}", "For a while you only read here."),
        "ko": ("{name}에서 잠시 채팅이 제한되었어요", "잠시 동안 읽기만 할 수 있어요."),
    },
    "ban": {
        "en": ("You were banned from {name}", "You may write one note to the moderators."),
        "ko": ("{name}에서 차단되었어요", "운영진에게 이의를 한 번 제기할 수 있어요."),
    },
    "removed": {
        "en": ("You are no longer a member of {name}", "A moderator removed you."),
        "ko": ("{name}에서 나가게 되었어요", "운영진이 멤버에서 제외했어요."),
    },
    "lifted": {
        "en": ("{name}: your appeal was heard", "You may write again."),
        "ko": ("{name}: 이의가 받아들여졌어요", "다시 글을 쓸 수 있어요."),
    },
    "kept": {
        "en": ("{name}: your appeal was answered", "The moderators stay with what they decided."),
        "ko": ("{name}: 이의에 답변이 왔어요", "운영진의 결정은 그대로예요."),
    },
    "owner": {
        "en": ("{name} is yours", "Its owner gave the community to you."),
        "ko": ("{name}의 소유자가 되었어요", "이전 소유자가 커뮤니티를 넘겨주었어요."),
    },
    "not-shown": {
        "en": ("{name}: a message of yours was not shown", "A moderator looked at it and did not let it through."),
        "ko": ("{name}: 보낸 메시지가 올라가지 않았어요", "운영진이 확인했지만 공개하지 않았어요."),
    },
    "not-looked-at": {
        "en": ("{name}: a message of yours was not shown", "Nobody looked at it for 14 days. Send it again."),
        "ko": ("{name}: 보낸 메시지가 올라가지 않았어요", "14일 동안 확인되지 않았어요. 원하면 다시 보내 주세요."),
    },
    "discussion-shown": {
        "en": ("{name}: your discussion is there", "A moderator looked at it and let it through."),
        "ko": ("{name}: 시작한 토론이 올라갔어요", "운영진이 확인하고 공개했어요."),
    },
    "discussion-not-shown": {
        "en": ("{name}: your discussion was not shown", "A moderator looked at it and did not let it through."),
        "ko": ("{name}: 시작한 토론이 올라가지 않았어요", "운영진이 확인했지만 공개하지 않았어요."),
    },
    "discussion-not-looked-at": {
        "en": ("{name}: your discussion was not shown", "Nobody looked at it for 14 days. Begin it again."),
        "ko": ("{name}: 시작한 토론이 올라가지 않았어요", "14일 동안 확인되지 않았어요. 원하면 다시 올려 주세요."),
    },
    "comment-shown": {
        "en": ("{name}: your comment is there", "A moderator looked at it and let it through."),
        "ko": ("{name}: 댓글이 올라갔어요", "운영진이 확인하고 공개했어요."),
    },
    "comment-not-shown": {
        "en": ("{name}: your comment was not shown", "A moderator looked at it and did not let it through."),
        "ko": ("{name}: 댓글이 올라가지 않았어요", "운영진이 확인했지만 공개하지 않았어요."),
    },
    "comment-not-looked-at": {
        "en": ("{name}: your comment was not shown", "Nobody looked at it for 14 days. Write it again."),
        "ko": ("{name}: 댓글이 올라가지 않았어요", "14일 동안 확인되지 않았어요. 원하면 다시 올려 주세요."),
    },
}


class Notices:
    """Writes notices in the caller's transaction; ``wake`` after its commit."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def tell(
        self,
        notice_id: int,
        user_id: int,
        word: Word,
        community: Community,
        now: datetime,
        said: str | None = None,
        *,
        url: str | None = None,
    ) -> None:
        """``notice_id`` from ``Ids``; ``said`` is what a moderator gave as the reason or the answer; ``url`` leads
        somewhere else than to the community."""
        title, body = WORDS[word][await people.locale_of(user_id)]
        announcement = Announcement(
            id=notice_id,
            key=f"{word}:{notice_id}",
            kind="announcement",
            title=title.format(name=community.name),
            body=said or body,
            # at a community that one may still read the note is asked for there
            url=url or f"/communities/{community.id}{'#appeal' if word == 'timeout' else ''}",
            image_url=None,
            creator_id=community.creator_id,
            content_id=None,
        )
        await announce_to([user_id], announcement, jobs=self._jobs, now=now)

    def wake(self) -> None:
        self._jobs.wake(TELL)
