"""Pure rules of the text of messages: what is stored, how it is compared, whom it mentions."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from mypick.community.unseen import Without
from mypick.errors import Code, DomainError
from mypick.wire import storable

MAX_TEXT = 2_000  # code points, as the wire says
MAX_MENTIONS = 5  # people that one message can notify
MAX_EDITS = 100  # of one text; each earlier one is kept, and read under the lock when it is deleted or hidden
MAX_EXCERPT = 140  # code points of a message in a notification

_MENTION = re.compile(r"<@([1-9][0-9]{0,18})>")
# a scheme, www., or a name under a domain that people are sent to; "end.Then" is a forgotten blank and no link
_LINK = re.compile(
    r"//[^\s/]|\bwww\.\S|[a-z0-9-]\.(?:com|net|org|info|biz|xyz|top|site|shop|online|club|app|dev|link|live|click|"
    r"io|gg|tv|me|ly|to|be|co|kr|jp|cn|ru|de|uk|eu|us)(?![a-z])",
    re.IGNORECASE,
)
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters by category that show nothing
_SHOWS_NOTHING = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"})
_WITHOUT = Without(_SHOWS_NOTHING)


def message_text(text: str) -> str:
    """Text as it is stored: NFC, LF as the only line end, without blanks around it; something in it can be seen."""
    storable(text)
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not any(sign not in _BLANK and unicodedata.category(sign) not in _SHOWS_NOTHING for sign in text):
        raise ValueError("it is empty: write something that can be seen")
    if any(unicodedata.category(sign) == "Cc" and sign not in "\n\t" for sign in text):
        raise ValueError("it contains a control character: remove it")
    return text


MessageText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(message_text)]


def require_revision(rev: int, known: int) -> None:
    """Whether a text of revision ``rev`` may be changed by somebody who knows ``known``: ``CONFLICT`` where that is an
    older one, ``FULL`` after ``MAX_EDITS``."""
    if rev != known:
        # without the text: answers are stored for Idempotency-Key, and what is deleted must be nowhere
        raise DomainError(Code.CONFLICT, "it was edited meanwhile", details={"rev": rev})
    if rev > MAX_EDITS:
        raise DomainError(Code.FULL, f"it was edited {MAX_EDITS} times: say it anew")


def text_hash(text: str) -> str:
    """Equal for texts that differ only in case, width, blanks and signs that show nothing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    seen = folded.translate(_WITHOUT)
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def mentioned(text: str) -> list[int]:
    """Ids of the people whom ``<@17>`` names, each once, the first five."""
    return list(dict.fromkeys(int(found) for found in _MENTION.findall(text) if int(found) < 2**63))[:MAX_MENTIONS]


def mentions_in(text: str) -> int:
    """How many times it names somebody, whoever they are."""
    return len(_MENTION.findall(text))


def has_link(text: str) -> bool:
    """Whether a reader would see an address in it, with or without ``https://``."""
    return _LINK.search(unicodedata.normalize("NFKC", text)) is not None


def excerpt(text: str) -> str:
    """The beginning, on one line."""
    line = " ".join(_MENTION.sub("@…", text).split())
    return line if len(line) <= MAX_EXCERPT else line[: MAX_EXCERPT - 1] + "…"
