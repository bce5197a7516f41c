"""What an API key may be allowed. A session has no scopes: it may do all that its user may."""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal[
    "read",  # everything that its owner may read
    "profile:write",  # profile and settings
    "subscriptions:write",  # follow and unfollow creators
    "notifications:write",  # mark read, change which kinds arrive
    "community:write",  # write in rooms
    "watch-party:write",  # open and steer watch parties
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
