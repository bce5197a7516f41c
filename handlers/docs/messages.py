"""Examples of what goes over sockets, for the document: by namespace and name, as the document names the message.

Of durable events it is the ``data`` in their envelope, as their schema is. A test reads each with its schema.
"""

from __future__ import annotations

from typing import Any

MESSAGES: dict[str, dict[str, Any]] = {
    "watch-party.join-party": {"party_id": 9},
    "watch-party.control": {"party_id": 9, "cid": "5f20", "base_seq": 12, "op": "seek", "position_ms": 61_500},
    "watch-party.ready": {"party_id": 9, "seq": 13, "state": "ready", "buffered_ms": 8_000},
    "watch-party.queue-add": {"party_id": 9, "cid": "5f21", "content_id": 17},
    "watch-party.queue-vote": {"party_id": 9, "cid": "5f22", "item_id": 40, "on": True},
    "watch-party.queue-next": {"party_id": 9, "cid": "5f23", "base_seq": 13, "item_id": 40},
    "watch-party.party-message": {"party_id": 9, "cid": "5f24", "text": "이 장면 최고!", "position_ms": 61_500},
    "watch-party.delete-message": {"party_id": 9, "cid": "5f25", "message_id": 77},
    "watch-party.party-react": {"party_id": 9, "emoji": "👏"},
    "watch-party.timeline": {
        "status": "playing",
        "content_id": 17,
        "anchor_position_ms": 61_500,
        "anchor_at_ms": 1_769_850_000_250,
        "rate": 1.0,
        "effective_at_ms": 1_769_850_000_250,
        "reason": "seek",
    },
    "watch-party.gate": {"party_id": 9, "seq": 13, "ready": 41, "of": 50},
    "watch-party.party-changed": {
        "title": "데뷔 영상 같이 보기",
        "visibility": "public",
        "policy": {"control": "cohosts", "queue": "everyone", "invite": "cohosts"},
        "capacity": 5_000,
        "autoplay": True,
        "starts_at": None,
        "roles": [{"user_id": 17, "role": "cohost"}],
    },
    "watch-party.presence": {"party_id": 9, "online": 50},
    "watch-party.message-deleted": {"message_id": 77, "by_moderator": True},
    "watch-party.reactions": {"party_id": 9, "counts": {"👏": 31, "😂": 4}},
}
