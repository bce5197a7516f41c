"""Somebody, as others in a party see them."""

from __future__ import annotations

from mypick.wire import View


class Person(View):
    id: int
    name: str
    avatar_url: str | None
