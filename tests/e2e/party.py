"""``python -m tests.e2e.party``: four windows of Chromium in one party, near and far, through play, seek, pause, a
killed server and a departed host. Prints how far their pictures are apart, pairwise. Takes some three minutes."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from handlers import pages
from tests.e2e.media import appointing, party_stack
from tests.e2e.scenes import Scenes
from tests.installed import CHROMIUM, CLIENT_FILE, missing

LONGEST = 400.0  # seconds of the scene
MARK = "@figures "


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    if absent := missing("browser"):
        print(f"This needs {', '.join(absent)}.", file=sys.stderr)
        return 2
    client = pages.FOLDER / "static" / pages.CLIENT_FILE
    if not client.exists():
        client.parent.mkdir(exist_ok=True)
        shutil.copyfile(CLIENT_FILE, client)
    print("Four windows: one way 5, 25, 60 and 90 ms, and up to 5, 20, 20 and 60 ms more.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(table(asyncio.run(play(Path(folder)))))
    return 0


async def play(folder: Path) -> dict[str, Any]:
    """The figures of one run; raises where a goal is missed."""
    scenes = Scenes(longest=LONGEST)
    async with party_stack(folder, f"sqlite://{folder / 'mypick.sqlite3'}") as (stack, media):
        given = {"language": "en", "width": 900, "chromium": CHROMIUM, "pictures": "", "media": media.told}
        also = {"appoint": appointing(stack)}
        said = await scenes.play("endurance.mjs", "four_windows", stack, also=also, **given)
    figures: dict[str, Any] = orjson.loads(next(line for line in said if line.startswith(MARK)).removeprefix(MARK))
    return figures


def table(figures: dict[str, Any]) -> str:
    """As Markdown, ms."""
    lines = ["| pictures apart, pairwise, ms | samples | p50 | p99 | most |", "|---|---|---|---|---|"]
    for row in figures["rows"]:
        numbers = " | ".join("–" if row[name] is None else f"{row[name]:.0f}" for name in ("p50", "p99", "most"))
        lines.append(f"| {row['name']} | {row['samples']:,} | {numbers} |")
    lines += [
        "",
        f"Paused: {figures['spread']:.0f} ms between the first and the last picture.",
        f"Server killed: away for {figures['away'] / 1000:.1f} s, all were back {figures['back'] / 1000:.1f} s later; "
        f"the timeline jumped by {figures['jump']:.0f} ms.",
        f"Host gone: another after {figures['hosted'] / 1000:.1f} s, the timeline jumped by {figures['moved']:.0f} ms.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
