"""Videos that lie as files on hosts that the operator has named, beside those of platforms.

Whoever watches loads the file from its host, which thereby learns their address: so only hosts that the operator
trusts are taken, and the page's content policy lets the browser load from no other.
"""

from __future__ import annotations

from collections.abc import Sequence

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import queries as communities
from mypick.community.policy import Role
from mypick.content.service import Contents
from mypick.content.views import ContentView
from mypick.creators import queries as creators
from mypick.errors import Code, DomainError, invalid, not_found
from mypick.ids import Ids
from mypick.watchparty.commands import AddFile


class Files:
    """``origins``: where files may lie, such as ``https://media.example``; empty is nowhere."""

    def __init__(self, contents: Contents, *, clock: Clock, ids: Ids, origins: Sequence[str]) -> None:
        self._contents = contents
        self._clock = clock
        self._ids = ids
        self._origins = tuple(origins)

    async def add(self, actor: Actor, creator_id: int, command: AddFile) -> ContentView:
        """Make a file a video of the creator's. For managers of the creator's community and admins of the site. The
        same address again changes title, length and picture. ``INVALID`` for an address elsewhere."""
        if creator_id not in await creators.names_of([creator_id]):
            raise not_found("creator")
        standing = (await communities.standings(self._clock, creator_id, [actor.user_id])).get(actor.user_id)
        if actor.role != "admin" and (standing is None or standing.role < Role.MANAGER):
            raise DomainError(Code.FORBIDDEN, "only managers of the creator's community may add files")
        self._require_allowed(command.url)
        return await self._contents.keep_file(
            creator_id,
            command.url,
            title=command.title,
            duration_s=command.duration_s,
            image_url=command.image_url,
            row_id=await self._ids.one(),
        )

    def _require_allowed(self, url: str) -> None:
        if not self._origins:
            raise invalid("this server plays no files: its operator has named no MEDIA_ORIGINS", field="url")
        if not any(url.startswith(f"{origin}/") for origin in self._origins):
            raise invalid(f"files may lie at {', '.join(self._origins)}: choose one there", field="url")
