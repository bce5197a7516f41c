"""One body for each command, for the document. A test reads each with its own model."""

from __future__ import annotations

from typing import Any

BODIES: dict[str, dict[str, Any]] = {
    "register": {"email": "fan@example.com", "password": "a long sentence 42", "display_name": "Fan"},
    "logIn": {"email": "fan@example.com", "password": "a long sentence 42"},
    "refresh": {"refresh_token": "eyJhbGciOiJIUzI1NiJ9.e30.signature"},
    "updateMe": {"display_name": "팬", "locale": "ko", "timezone": "Asia/Seoul"},
    "updateMySettings": {"theme": "dark", "sounds": False},
    "changePassword": {"current_password": "a long sentence 42", "new_password": "another sentence 43"},
    "eraseMe": {"password": "a long sentence 42"},
    "createMyApiKey": {"name": "my bot", "scopes": ["read", "notifications:write"]},
    "addCreator": {"source": "https://www.youtube.com/@example"},
    "markRead": {"upto_seq": 42},
    "updateNotificationSettings": {"kinds": {"new-video": True, "announcement": False}},
    "openCommunity": {"creator_id": 7},
    "setRole": {"role": "moderator"},
    "sendMessage": {"cid": "5f0c", "text": "hello <@17>"},
    "setTerm": {"cid": "9b1e", "text": "바보*", "effect": "hold"},
    "setTermLists": {"cid": "77ac", "languages": ["ko", "en"]},
    "tryText": {"text": "바 보"},
    "editMessage": {"cid": "5f0d", "text": "hello <@17>!", "rev": 1},
    "createDiscussion": {"cid": "5f0e", "title": "Which concert was the best?", "text": "I was at three of them."},
    "editDiscussion": {"cid": "5f0f", "title": "Which concert was best?", "text": "I was at three.", "rev": 1},
    "createComment": {"cid": "5f10", "text": "The first, of course.", "reply_to": 4711},
    "editComment": {"cid": "5f11", "text": "The second, of course.", "rev": 1},
    "voteDiscussion": {"vote": "up"},
    "voteComment": {"vote": "none"},
    "followDiscussion": {"follow": "muted"},
    "markDiscussionRead": {"seq": 42},
    "reportDiscussion": {"cid": "5f12", "reason": "an advertisement"},
    "reportComment": {"cid": "5f13", "reason": "insults somebody"},
    "decideHeldPost": {"cid": "5f14", "approve": True},
}
