"""Pure rules of the texts that people hand in: names, addresses, links, time zones.

Each function returns the text as it is stored, or raises ``ValueError`` with what is wrong. Each is
idempotent: a stored text passes again unchanged.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

NAME_LIMIT = 50  # code points
EMAIL_LIMIT = 254  # RFC 5321's path of 256 less its brackets
URL_LIMIT = 500  # characters

# Unicode categories that a name never needs: control, lone surrogate, private use, unassigned, line end,
# paragraph end.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
# Embeddings, overrides and isolates turn the text around them, so that a name may pose as another.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and signs by category that nevertheless show nothing: Hangul fillers, the blank Braille pattern.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Mn", "Mc", "Me", "Zs"})


def storable(text: str) -> str:
    """Text that every database takes: no NUL (PostgreSQL refuses it), no lone surrogate (UTF-8 has none)."""
    if "\x00" in text:
        raise ValueError("it contains a NUL character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it contains half of a surrogate pair; send valid Unicode")
    return text


def name(text: str) -> str:
    """A name that others see: NFC, trimmed, 1 to 50 code points, at least one of them visible."""
    storable(text)
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise ValueError("it is empty; write 1 to 50 characters")
    if len(text) > NAME_LIMIT:
        raise ValueError(f"it has {len(text)} characters; at most {NAME_LIMIT} are allowed")
    for character in text:
        if unicodedata.category(character) in _FORBIDDEN_CATEGORIES:
            raise ValueError(f"it contains the control character U+{ord(character):04X}; remove it")
        if character in _BIDI_CONTROLS:
            raise ValueError(f"it contains U+{ord(character):04X}, which turns text around; remove it")
    if not any(_visible(character) for character in text):
        raise ValueError("it contains nothing that can be seen; write at least one letter, digit or sign")
    return text


def _visible(character: str) -> bool:
    return character not in _BLANK and unicodedata.category(character) not in _INVISIBLE_CATEGORIES


def email(text: str) -> str:
    """An e-mail address in the one spelling under which its account is found: trimmed and lower case.

    The part before the @ must be ASCII: lower case and normal forms of other scripts would make two accounts
    out of one mailbox. International domains are fine. No DNS is asked.
    """
    storable(text)
    try:
        checked = validate_email(
            text.strip(),
            check_deliverability=False,
            strict=True,  # the part before the @ has at most 64 characters
            test_environment=True,  # addresses under .test may register: they are nobody's
            allow_smtputf8=False,
        )
    except EmailNotValidError as refusal:
        raise ValueError(f"it is not an e-mail address: {refusal}") from refusal
    if "." not in checked.domain:
        raise ValueError("it is not an e-mail address: the part after the @ needs a dot")
    address = checked.normalized.lower()
    if len(address) > EMAIL_LIMIT:
        raise ValueError(f"it has {len(address)} characters; at most {EMAIL_LIMIT} are allowed")
    return address


def web_address(text: str) -> str:
    """An absolute ``http`` or ``https`` address without user and password, at most 500 characters."""
    storable(text)
    text = text.strip()
    if len(text) > URL_LIMIT:
        raise ValueError(f"it has {len(text)} characters; at most {URL_LIMIT} are allowed")
    # browsers drop tabs and line ends and read a backslash as a slash: both hide the true host
    if any(not character.isprintable() or character in " \\\"<>" for character in text):
        raise ValueError("it contains a blank, quote, <, >, backslash or control character; encode it with %")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # port raises on what is no number
    except ValueError as refusal:
        raise ValueError("it is not an address; write https://host/path") from refusal
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("it must begin with https:// or http:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("it must not contain a user name or password")
    return text


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    # reads some 600 files, so once; "localtime" and "Factory" mean the server's zone and none
    return frozenset(available_timezones() - {"localtime", "Factory"})


def time_zone(text: str) -> str:
    """A name of the IANA time zone database, such as ``Asia/Seoul``."""
    if text not in _time_zones():
        raise ValueError("it is not a time zone; use an IANA name such as Asia/Seoul or UTC")
    return text
