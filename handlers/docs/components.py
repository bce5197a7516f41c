"""What the OpenAPI document says of no route in particular: its introduction, and the parts that routes refer to."""

from __future__ import annotations

from handlers.docs.schemas import Schema, codes_table, error_schema
from mypick.errors import Code
from mypick.operations.idempotency import MAX_KEY

TAGS = {
    "auth": "Open, carry on and end sessions.",
    "users": "What a person has here: profile, settings, devices, keys.",
    "creators": "Whom to follow.",
    "feed": "What those publish whom one follows.",
    "communities": "Where fans of a creator talk: rooms, messages, members, moderators.",
    "search": "Finding what was said.",
    "discussions": "Discussions of communities, with comments and votes.",
    "invites": "Ways into a community: invites, requests to join, and the claims of creators.",
    "moderation": "What those do who keep a community in order, and what is done for those who suffer it.",
    "watch-parties": "Playing a video for many, in step: parties, and who is in them.",
    "notifications": "The inbox without a socket.",
}

INTRODUCTION = f"""\
Success is `{{"success": true, "data": …}}`, failure `{{"success": false, "error": {{"code", "message", "details"}}}}`.
Times are ISO 8601 in UTC with milliseconds. Unknown fields, in bodies and in queries, are refused.

**Who asks**: `Authorization: Bearer <access token>`, or `X-API-Key` where the client is a program.

**Lists** page by `cursor`: send the `next_cursor` of the last page; null is the end.

**Idempotency-Key** (1 to {MAX_KEY} printable ASCII characters) makes an unsafe request safe to send again: the answer,
if it is final (2xx, or a refusal that stands), is stored for the user and sent again, with the header
`Idempotency-Replayed: true`.
Another request under the same key is `CID_REUSED`; the same one while it is still being answered is `CONFLICT` with
`Retry-After`. A key whose server died is free again after 60 seconds. Routes that answer with tokens or keys, or take
passwords, ignore the header, for such answers must not be stored; each says so.

**Limits** answer 429 with `Retry-After`; `RateLimit-*` tell of the tightest limit that a request met.

**Codes**:

{codes_table(Code)}
"""

RATE_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
HEADERS: Schema = {
    "X-Request-ID": {"description": "names this request in the log", "schema": {"type": "string"}},
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit-Limit": {"description": "requests of one window", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "requests left", "schema": {"type": "integer", "minimum": 0}},
    "RateLimit-Reset": {
        "description": "seconds until the limit is whole again",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Idempotency-Replayed": {
        "description": "`true` where the answer was given before",
        "schema": {"type": "string", "const": "true"},
    },
    "WWW-Authenticate": {"description": "the scheme to use", "schema": {"type": "string"}},
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a client-made id of this request: sent again, it changes nothing and gets the same answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
    "example": "b6b5c1f0-0f3c-4c5e-9d54-8a1a2b3c4d5e",
}
SECURITY: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "an access token"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "a key of a program"},
}
SHARED: dict[str, Schema] = {
    "Failure": {
        "type": "object",
        "required": ["success", "error"],
        "properties": {"success": {"const": False}, "error": error_schema(socket=False)},
    },
    "Pagination": {
        "type": "object",
        "required": ["next_cursor", "limit"],
        "properties": {
            "next_cursor": {"type": ["string", "null"], "description": "null on the last page"},
            "limit": {"type": "integer"},
        },
    },
}
