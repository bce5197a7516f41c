"""Discord channels as DiscordChatExporter writes them: one JSON document, or its messages as JSON lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mypick.community.imports.records import Imported, Unreadable, author, inside, text_of

_SAID = ("Default", "Reply", "ThreadStarterMessage", "ChatInputCommand", "0", "19", "20", "21")
_CUSTOM = re.compile(r"<a?(:\w+:)\d+>")  # a server's own emoji: its name is what there is to read


def parse(record: Mapping[str, Any]) -> Imported | None:
    key, kind = record.get("id"), record.get("type", "Default")
    if not isinstance(key, str) or not key:
        raise Unreadable("it has no id")
    if str(kind) not in _SAID:
        return None  # somebody joined, pinned, boosted
    who = record.get("author")
    user = author(
        inside(who, "id"),
        inside(who, "nickname") or inside(who, "global_name") or inside(who, "name") or inside(who, "username"),
        inside(who, "avatarUrl"),
    )
    content = record.get("content")
    attachments = record.get("attachments") or []
    urls = [url for one in attachments if isinstance(url := inside(one, "url"), str) and url.startswith("https://")]
    text = text_of("\n".join([_CUSTOM.sub(r"\1", content) if isinstance(content, str) else "", *urls]))
    if text is None:
        return None
    reply = inside(record, "reference", "messageId") or inside(record, "message_reference", "message_id")
    edited = record.get("timestampEdited") or record.get("edited_timestamp")
    return Imported(
        key,
        user,
        text,
        _moment(record.get("timestamp")),
        None if edited is None else _moment(edited),
        reply if isinstance(reply, str) else None,
    )


def _moment(text: Any) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Unreadable("it has no time that can be read") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
