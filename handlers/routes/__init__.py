"""The paths of ``/api/v1``, a file for each subject."""

from __future__ import annotations

from aiohttp import web

from handlers.paths import API
from handlers.routes import (
    accounts,
    community,
    creators,
    discussions,
    entry,
    marks,
    moderation,
    notifications,
    partycontents,
    partyentry,
    personal,
    search,
    terms,
    users,
    watchparties,
)
from handlers.views import ApiView

VIEWS: dict[str, type[ApiView]] = {
    **accounts.VIEWS,
    **users.VIEWS,
    **personal.VIEWS,
    **creators.VIEWS,
    **notifications.VIEWS,
    **community.VIEWS,
    **marks.VIEWS,
    **terms.VIEWS,
    **search.VIEWS,
    **discussions.VIEWS,
    **entry.VIEWS,
    **moderation.VIEWS,
    **partyentry.VIEWS,
    **partycontents.VIEWS,
    **watchparties.VIEWS,
}
"""Path after the prefix → view. aiohttp tries them in this order."""


def add_api(app: web.Application) -> None:
    for path, view in VIEWS.items():
        app.router.add_view(API + path, view)
