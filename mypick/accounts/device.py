"""From where a session is opened or used."""

from __future__ import annotations

from dataclasses import dataclass

USER_AGENT_LIMIT = 200  # characters; what is longer is cut
ADDRESS_LIMIT = 45  # the longest IPv6 address as text


@dataclass(frozen=True, slots=True)
class Device:
    """User agent and address as the door saw them. Both are cleaned here: a header may hold any bytes."""

    user_agent: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "user_agent", _clean(self.user_agent, USER_AGENT_LIMIT))
        object.__setattr__(self, "address", _clean(self.address, ADDRESS_LIMIT))


def _clean(text: str, limit: int) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text[:limit])
