"""What may be asked about the terms of a community."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mypick.community.terms.patterns import MIN_LETTERS, core_of, seen
from mypick.community.texts import MessageText, message_text
from mypick.wire import Cid, Command, Id

MAX_TERM = 50  # code points; what is longer is a sentence, and said otherwise the next time
MAX_NORM = 200  # as the column has it; a syllable is up to five letters, some signs are more


def _term(text: str) -> str:
    text = message_text(text)
    _, core, _ = core_of(text)
    if "\n" in text or "*" in core or not core.strip():
        raise ValueError("it is one word or a few; an asterisk stands at its beginning or its end alone")
    letters = seen(text)
    if not letters.strip("* ") or (core.isascii() and core.isalpha() and len(core) < MIN_LETTERS):
        raise ValueError("it holds too few letters to be told from others: write a longer one")
    if len(letters) > MAX_NORM:
        raise ValueError("it is too long")
    return text


TermText = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TERM, description="a whole word; an asterisk lets it go on: damn*, *바보*"),
    AfterValidator(_term),
]


class NewTerm(Command):
    cid: Cid
    text: TermText = Field(examples=["바보*"])
    effect: Literal["block", "hold", "allow"]


class SetTerm(NewTerm):
    """Block, hold or allow a term. One with the same letters is replaced."""

    community_id: Id


class RemoveTerm(Command):
    community_id: Id
    term_id: Id
    cid: Cid


class NewTermLists(Command):
    cid: Cid
    languages: list[Literal["ko", "en"]] = Field(max_length=2, description="whose lists are on; the others are off")


class SetTermLists(NewTermLists):
    """Switch on or off the lists of terms that come with the server."""

    community_id: Id


class TextToTry(Command):
    text: MessageText


class TryText(TextToTry):
    """Ask what a text would come to, without sending it."""

    community_id: Id
