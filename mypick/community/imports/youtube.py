"""YouTube live chat as JSON lines: what the page itself gets, as yt-dlp keeps it (``*.live_chat.json``), and the lines
of chat-downloader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mypick.community.imports.records import Author, Imported, Unreadable, author, inside, text_of

_MESSAGES = (
    "liveChatTextMessageRenderer",
    "liveChatPaidMessageRenderer",
    "liveChatPaidStickerRenderer",
    "liveChatMembershipItemRenderer",
)
"""What becomes a message; tickers repeat these, and the rest is the page's own."""


def parse(record: Mapping[str, Any]) -> Imported | None:
    """One line. A line of several actions has one message at most."""
    if "message_id" in record:
        return _downloaded(record)
    actions = inside(record, "replayChatItemAction", "actions")
    if actions is None:
        actions = [record]
    if not isinstance(actions, list):
        raise Unreadable("its actions are no list")
    for action in actions:
        item = inside(action, "addChatItemAction", "item")
        for name in _MESSAGES:
            if isinstance(shown := inside(item, name), dict):
                return _rendered(shown)
    if not any(isinstance(action, dict) and _known(action) for action in actions):
        raise Unreadable("it is no line of a live chat")
    return None


def _known(action: Mapping[str, Any]) -> bool:
    return any(name.endswith(("Action", "Command", "Params", "Renderer")) for name in action)


def _rendered(shown: Mapping[str, Any]) -> Imported | None:
    thumbnails = inside(shown, "authorPhoto", "thumbnails") or [{}]
    who = author(
        shown.get("authorExternalChannelId"), _words(shown.get("authorName")), inside(thumbnails[-1], "url")
    )
    parts = (
        _words(shown.get("purchaseAmountText")),
        _words(shown.get("headerPrimaryText")) or _words(shown.get("headerSubtext")),
        _words(shown.get("message")),
    )
    return _message(shown.get("id"), who, " · ".join(part for part in parts if part), shown.get("timestampUsec"))


def _downloaded(record: Mapping[str, Any]) -> Imported | None:
    images = inside(record, "author", "images") or [{}]
    who = author(inside(record, "author", "id"), inside(record, "author", "name"), inside(images[-1], "url"))
    parts = (inside(record, "money", "text"), record.get("message"))
    text = " · ".join(part for part in parts if isinstance(part, str) and part)
    return _message(record["message_id"], who, text, record.get("timestamp"))


def _message(key: Any, who: Author, text: str, micros: Any) -> Imported | None:
    if not isinstance(key, str) or not key:
        raise Unreadable("it has no id")
    try:
        at = datetime.fromtimestamp(int(micros) / 1_000_000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Unreadable("it has no time that can be read") from None
    cleaned = text_of(text)
    return None if cleaned is None else Imported(key, who, cleaned, at)


def _words(shown: Any) -> str:
    """A text as the page shows it: plain, or runs of words and emoji."""
    if isinstance(simple := inside(shown, "simpleText"), str):
        return simple
    runs = inside(shown, "runs")
    return "".join(_run(run) for run in runs) if isinstance(runs, list) else ""


def _run(run: Any) -> str:
    if isinstance(text := inside(run, "text"), str):
        return text
    emoji = inside(run, "emoji")
    shortcuts = inside(emoji, "shortcuts")
    if inside(emoji, "isCustomEmoji"):  # a channel's own picture: its name is what there is to read
        return str(shortcuts[0]) if isinstance(shortcuts, list) and shortcuts else ""
    found = inside(emoji, "emojiId")
    return found if isinstance(found, str) else ""
