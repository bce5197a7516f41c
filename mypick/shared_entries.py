"""The second level of the cache: entries in Redis.

Entries carry tags. A tag has a token in Redis, and an entry is good only while it carries the tokens of now: a renewed
token kills every older entry at once, also one that a slow loader writes later.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from redis.asyncio import Redis

from mypick.bounded_redis import BoundedRedis, RedisAwayError

EVERYTHING = "*"  # a tag that every entry has
TOKEN_LIFE_MS = 86_400_000  # a token that has gone kills its entries; it can never bring one back to life
UNSAID_TAGS = 10_000  # renewals kept while Redis is away; beyond it everything is renewed on its return


class SharedEntries:
    """Redis away is never an error: nothing is found then, and what was to be renewed is renewed on its return."""

    def __init__(self, redis: BoundedRedis) -> None:
        self._redis = redis
        self._unsaid: dict[str, str] = {}  # tag: the token that Redis shall have for it

    async def renew(self, tags: Sequence[str]) -> None:
        """Give ``tags`` new tokens."""
        self._unsaid.update((tag, secrets.token_hex(8)) for tag in tags)
        if len(self._unsaid) > UNSAID_TAGS:
            self._unsaid = {EVERYTHING: secrets.token_hex(8)}
        await self._say()

    async def read(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, list[str] | None, float]:
        """Payload and its seconds to live, or the tokens to write a new one under; nothing while Redis is away."""
        # An entry in Redis may be one that we invalidated while it was away.
        if not await self._say():
            return None, None, 0
        names = [_tag_key(tag) for tag in tags]

        async def read(client: Redis) -> tuple[list[bytes | None], int]:
            async with client.pipeline(transaction=False) as pipe:
                pipe.mget(_value_key(key), *names)
                pipe.pttl(_value_key(key))
                values, life_ms = await pipe.execute()
                return values, life_ms

        async def make_tokens(client: Redis) -> list[bytes]:
            async with client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.set(name, secrets.token_hex(8), nx=True, px=TOKEN_LIFE_MS)
                pipe.mget(*names)
                made: list[bytes] = (await pipe.execute())[-1]
                return made

        try:
            (stored, *found), life_ms = await self._redis.ask(read)
            tokens = [token.decode() for token in found if token is not None]
            if len(tokens) < len(names):
                tokens = [token.decode() for token in await self._redis.ask(make_tokens)]
        except RedisAwayError:
            return None, None, 0
        if stored is not None and life_ms > 0:
            head, _, payload = stored.partition(b"\n")
            if head.decode() == " ".join(tokens):
                return payload, None, life_ms / 1_000
        return None, tokens, 0

    async def write(self, key: str, payload: bytes, tokens: Sequence[str], life_ms: int) -> None:
        """Keep ``payload`` under the ``tokens`` that ``read`` gave; where one was renewed since, nobody finds it."""
        value = " ".join(tokens).encode() + b"\n" + payload
        try:
            await self._redis.ask(lambda client: client.set(_value_key(key), value, px=life_ms))
        except RedisAwayError:
            return

    async def _say(self) -> bool:
        """Give Redis the tokens of ``_unsaid``. False while it is away; they stay unsaid."""
        unsaid = dict(self._unsaid)

        async def replace(client: Redis) -> None:
            async with client.pipeline(transaction=False) as pipe:
                for tag, token in unsaid.items():
                    pipe.set(_tag_key(tag), token, px=TOKEN_LIFE_MS)
                await pipe.execute()

        if unsaid:
            try:
                await self._redis.ask(replace)
            except RedisAwayError:
                return False
            for tag, token in unsaid.items():
                if self._unsaid.get(tag) == token:  # else it was invalidated again in the meantime
                    del self._unsaid[tag]
        return True


def _value_key(key: str) -> str:
    return f"mypick:cache:value:{key}"


def _tag_key(tag: str) -> str:
    return f"mypick:cache:tag:{tag}"
