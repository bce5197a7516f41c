"""What is limited, and how much of it: names, rates and whose bucket is counted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

GENERAL = "general"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class WrongLimitError(ValueError):
    """The settings name a limit that there is not, or a rate that cannot be read."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``amount`` at once, and again as many over each ``seconds``."""

    amount: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``5/5m``, ``20/1s``, ``100/h``. ``ValueError`` says what is wrong."""
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{0,6})\s*([smhd])\s*", text)
        if not match or int(match[1]) < 1 or match[2] == "0":
            raise WrongLimitError(f'"{text}" is no rate: write it as amount/time, such as 5/5m, 20/1s or 100/1h')
        return cls(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])

    @property
    def seconds_each(self) -> float:
        """In which one token comes back."""
        return self.seconds / self.amount


class Per(Enum):
    """Whose bucket it is."""

    USER = "user"  # the address where there is no user
    ADDRESS = "address"
    BOTH = "user and address"  # each has a bucket, and both must have a token


@dataclass(frozen=True, slots=True)
class Limit:
    rate: Rate
    per: Per
    meaning: str
    here: bool = False  # counted by each process for itself: for what comes so often that Redis would cost more than it
    kept: bool = False  # what it limits is kept in the database, and counted there: for all processes together


def _limit(rate: str, per: Per, meaning: str, *, here: bool = False, kept: bool = False) -> Limit:
    return Limit(Rate.parse(rate), per, meaning, here, kept)


DEFAULT_LIMITS: Mapping[str, Limit] = {
    GENERAL: _limit("300/1m", Per.USER, "any REST request"),
    "auth.register": _limit("5/1h", Per.ADDRESS, "new accounts"),
    "auth.login.account": _limit("10/15m", Per.USER, "wrong and right passwords for one account; the subject names it"),
    "auth.login.address": _limit("30/5m", Per.ADDRESS, "log-ins from one place"),
    "auth.refresh": _limit("30/5m", Per.ADDRESS, "new tokens"),
    "socket.handshake": _limit("120/1m", Per.ADDRESS, "new connections, before anybody shows who they are", here=True),
    "socket.connect": _limit("60/1m", Per.ADDRESS, "new members of namespaces, an office is one address", here=True),
    "socket.command": _limit("100/10s", Per.USER, "any socket command", here=True),
    "socket.clock": _limit("60/10s", Per.USER, "measures of the clock: eight at once when a party opens", here=True),
    "socket.refresh-auth": _limit("20/1m", Per.USER, "new tokens for open sockets, one for each device"),
    "socket.sync": _limit("60/10s", Per.USER, "reads of history: sync, history, join", here=True),
    "creator.resolve": _limit("30/1h", Per.USER, "adding creators: each may ask a platform"),
    "subscribe": _limit("120/1m", Per.USER, "following and unfollowing"),
    "community.send": _limit("20/30s", Per.USER, "messages, discussions and comments", here=True),
    "community.vote": _limit("60/30s", Per.USER, "votes", here=True),
    "community.typing": _limit("10/30s", Per.USER, "signs that somebody types", here=True),
    "party.file": _limit("60/1h", Per.USER, "video files added for watch parties"),
    "party.open": _limit("20/1h", Per.USER, "new watch parties"),
    "party.change": _limit("20/1m", Per.USER, "changes of watch parties, each of which may ask for reminders"),
    "party.message": _limit("20/30s", Per.USER, "messages in watch parties", here=True),
    "party.messages": _limit("100/5s", Per.USER, "messages of all in one watch party together", kept=True),
    "party.react": _limit("30/10s", Per.USER, "reactions in watch parties", here=True),
    "party.queue": _limit("20/1m", Per.USER, "changes to the queue of a watch party", here=True),
    "party.vote": _limit("30/30s", Per.USER, "votes for what a watch party plays next", here=True),
    "party.invite": _limit("30/1h", Per.USER, "asking people to watch parties: links, and up to 50 people at once"),
    "party.control": _limit("10/2s", Per.USER, "commands to what a watch party plays", here=True),
    "party.ready": _limit("40/10s", Per.USER, "words on how a guest's player is", here=True),
    "party.report": _limit("2/10s", Per.USER, "reports of how far a guest is off, one each 5 s", here=True),
    "personal.export": _limit("3/1d", Per.USER, "exports of all one's data"),
    "invite": _limit("30/10m", Per.BOTH, "codes of invites looked at or used: they must not be guessed"),
    "search": _limit("60/1m", Per.USER, "searches"),
}
