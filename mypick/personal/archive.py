"""The file of an export: a ZIP with a JSON-lines file for each section and a page that says what is in it.

It is made in pieces: never more than a page of rows is in memory, whatever the person has written.
"""

from __future__ import annotations

import asyncio
import html
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from mypick.clock import to_wire
from mypick.personal.contribution import Rows, Section

Progress = Callable[[int, int], Awaitable[None]]
"""Is told how many sections and rows are done."""


class _Pipe(io.RawIOBase):
    """What ``zipfile`` writes into, and we take out. It cannot seek, so sizes stand behind the data."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


async def archive(
    user_id: int, sections: Sequence[Section], now: datetime, progress: Progress
) -> AsyncIterator[bytes]:
    """The bytes of the ZIP, in pieces."""
    pipe, rows_done, counts = _Pipe(), 0, list[int]()
    stamp = now.timetuple()[:6]
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as packed:

        def entry(name: str) -> zipfile.ZipInfo:
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            return info

        for number, section in enumerate(sections, 1):
            count = 0
            with packed.open(entry(f"{section.name}.jsonl"), "w") as file:
                async for rows in section.pages(user_id):
                    count += len(rows)
                    # some 10 ms of zlib for a page of long messages: beside the loop
                    await asyncio.to_thread(file.write, _lines(rows))
                    yield pipe.take()
                    await progress(number - 1, rows_done + count)
            rows_done += count
            counts.append(count)
            await progress(number, rows_done)
        packed.writestr(entry("index.html"), _index(sections, counts, now))
        yield pipe.take()
    yield pipe.take()


def _lines(rows: Rows) -> bytes:
    return b"".join(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _index(sections: Sequence[Section], counts: Sequence[int], now: datetime) -> str:
    listed = "".join(
        f'<tr><td><a href="{section.name}.jsonl">{section.name}.jsonl</a></td><td>{count}</td>'
        f"<td>{html.escape(section.about)}</td><td>{html.escape(section.about_ko)}</td></tr>\n"
        for section, count in zip(sections, counts, strict=True)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>MyPick</title>'
        "<style>body{font:1rem/1.5 sans-serif;margin:2rem}td,th{padding:.3rem .8rem;text-align:left}</style>"
        f"<h1>Your data at MyPick · 마이픽에 있는 내 정보</h1><p>{to_wire(now)}</p>"
        "<p>Each file has one JSON object in a line. · 파일마다 한 줄에 JSON 객체 하나가 있습니다.</p>"
        f"<table><tr><th>File</th><th>Rows</th><th>What it is</th><th>내용</th></tr>\n{listed}</table></html>\n"
    )
