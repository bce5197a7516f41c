"""The fans of the demonstration as people of a real server: with accounts, and through the same services as all."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from demo.talk import FANS
from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.accounts.commands import Register
from mypick.accounts.device import Device
from mypick.community.commands import React, SendMessage
from mypick.domain import Domain
from mypick.errors import DomainError


class Crowd:
    def __init__(self, domain: Domain, fans: Sequence[Actor], rooms: Sequence[tuple[int, bool]]) -> None:
        self._domain = domain
        self.fans = fans
        self.rooms = rooms

    @classmethod
    async def gather(cls, domain: Domain, creators: Sequence[tuple[int, str]]) -> Crowd:
        """Everybody is a member everywhere. ``creators``: ids with names, whose alphabet is that of their rooms."""
        fans = [await _fan(domain, number, name) for number, name in enumerate(FANS)]
        rooms = []
        for creator_id, name in creators:
            community_id = await domain.communities.open_for(creator_id)
            for fan in fans:
                await domain.communities.members.join(fan, community_id)
            community = await domain.communities.reading.community(fans[0], community_id)
            rooms.append((community.rooms[0].id, any("가" <= letter <= "힣" for letter in name)))
        return cls(domain, fans, rooms)

    async def empty(self, room: int) -> bool:
        page = await self._domain.communities.reading.history(self.fans[0], room, 2**53 - 1, 1)
        return not page.events

    async def say(self, room: int, fan: int, text: str, reply_to: int | None) -> int | None:
        """None where a moderator, a mode of the room or a filter is against it: the talk goes on."""
        command = SendMessage(room_id=room, cid=secrets.token_hex(16), text=text, reply_to=reply_to)
        try:
            return (await self._domain.communities.messages.send(self.fans[fan], command)).id
        except DomainError:
            return None

    async def react(self, fan: int, message: int, emoji: str) -> None:
        command = React(message_id=message, cid=secrets.token_hex(16), emoji=emoji, on=True)
        try:
            await self._domain.communities.reactions.react(self.fans[fan], command)
        except DomainError:
            return


async def _fan(domain: Domain, number: int, name: str) -> Actor:
    """An account that nobody can log in to: its password is told to nobody."""
    email = f"fan{number}@demo.example"
    user_id = await people.user_of(email)
    if user_id is None:
        command = Register(email=email, password=secrets.token_urlsafe(24), display_name=name)
        user_id = (await domain.accounts.register(command, Device())).user.id
    return Actor(user_id=user_id, role="fan", session_id=None, scopes=None, expires_at=None)
