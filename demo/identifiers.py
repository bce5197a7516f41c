"""Ids that look like YouTube's and are the same for the same seed, whatever was made before them."""

from __future__ import annotations

import base64
import hashlib


def _token(length: int, *parts: object) -> str:
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:length]


def channel_id(seed: int, handle: str) -> str:
    """``UC`` and 22 characters."""
    return "UC" + _token(22, seed, "channel", handle)


def video_id(seed: int, owner: str, number: int) -> str:
    """11 characters; ``number`` counts the uploads of the channel ``owner``."""
    return _token(11, seed, "video", owner, number)


def etag(body: bytes) -> str:
    """As the Data API writes them today: 27 characters, no quotes."""
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:20]).decode().rstrip("=")
