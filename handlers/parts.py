"""What the REST door is made of, handed in by the composition root, and the keys under which requests carry it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import sentry_sdk
from aiohttp import web

from handlers.docs.events import EventDescription
from mypick.accounts.actor import Actor
from mypick.accounts.service import Accounts
from mypick.clock import Clock
from mypick.community.service import Communities
from mypick.content.service import Contents
from mypick.creators.service import Creators
from mypick.errors import DomainError
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.notifications.service import Notifications
from mypick.operations.health import Health
from mypick.operations.idempotency import Idempotency
from mypick.operations.siblings import Siblings
from mypick.personal.service import PersonalData
from mypick.watchparty.service import WatchParties

Reporter = Callable[[BaseException, str], None]
"""Takes an unexpected exception and its incident id to where people look at them. Must neither wait nor raise."""


ErrorPage = Callable[[web.Request, DomainError, int], Awaitable[web.StreamResponse]]
"""Shows a failure as a page, with the status given."""


def report_to_sentry(problem: BaseException, incident_id: str) -> None:
    """Does nothing where Sentry was not set up."""
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("incident_id", incident_id)
        scope.capture_exception(problem)


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Settings of this door. Sizes in bytes."""

    app_url: str
    allowed_origins: frozenset[str]
    trusted_proxies: int = 0
    max_body_bytes: int = 256 * 1024
    metrics_token: str = ""
    in_production: bool = False
    version: str = "0.1.0"

    @property
    def https(self) -> bool:
        return self.app_url.startswith("https://")


@dataclass(frozen=True, slots=True)
class RestParts:
    settings: RestSettings
    clock: Clock
    accounts: Accounts
    creators: Creators
    contents: Contents
    notifications: Notifications
    communities: Communities
    parties: WatchParties
    personal: PersonalData
    limits: Limits
    idempotency: Idempotency
    health: Health
    metrics: Metrics
    siblings: Siblings | None = None  # where several processes share the port
    events: Sequence[EventDescription] = ()  # what the socket door tells of itself, for its documentation
    report: Reporter = report_to_sentry
    error_page: ErrorPage | None = None  # for paths outside /api; without one they fail in the envelope as well
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(8))  # request and incident ids


PARTS: web.AppKey[RestParts] = web.AppKey("parts", RestParts)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
ADDRESS: web.RequestKey[str] = web.RequestKey("address", str)
ACTOR: web.RequestKey[Actor] = web.RequestKey("actor", Actor)
RATE_HEADERS: web.RequestKey[dict[str, str]] = web.RequestKey("rate_headers", dict)

SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
