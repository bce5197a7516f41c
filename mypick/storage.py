"""Files that are made for people: written whole, read in pieces, deleted. Names are ``folder/name.ending``."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

PIECE = 64 * 1024  # bytes read at a time
_NAME = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*\.[a-z0-9]+")


class NotStored(Exception):
    """There is no such file."""


class Storage(Protocol):
    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> int:
        """Write a file; its size in bytes. It is there whole or not at all, and replaces what had the name."""

    def get(self, name: str) -> AsyncIterator[bytes]:
        """The file in pieces of at most ``PIECE`` bytes; ``NotStored``."""

    async def delete(self, name: str) -> None:
        """Twice is no error."""


class FolderStorage:
    """Files in one folder, which all processes of all nodes must share. Each is readable for this user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> int:
        path = self._path(name)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")  # two writers do not meet in it
        file = await asyncio.to_thread(_create, draft)
        try:
            size = 0
            async for piece in pieces:
                size += await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_finish, file, draft, path)
        except BaseException:
            file.close()
            draft.unlink(missing_ok=True)
            raise
        return size

    async def get(self, name: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(name).open, "rb")
        except FileNotFoundError:
            raise NotStored(name) from None
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    async def delete(self, name: str) -> None:
        path = self._path(name)

        def remove() -> None:
            path.unlink(missing_ok=True)
            for draft in path.parent.glob(f"{path.name}.*.part"):  # of a writer that was killed
                draft.unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name for a file: {name}")
        return self._folder / name


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _finish(file: BinaryIO, draft: Path, path: Path) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
