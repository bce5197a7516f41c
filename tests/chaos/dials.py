"""Machines whose time of day somebody sets: a dial each, read by all processes that were started with it."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.installed import COMPILER

_SOURCE = Path(__file__).with_name("stepped.c")


def built(folder: Path) -> Path:
    """The library that reads a dial, made on the spot."""
    assert COMPILER
    library = folder / "stepped.so"
    subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", "-o", library, _SOURCE], check=True)
    return library


class Dial:
    """``environment`` is what processes of this machine are started with."""

    def __init__(self, name: str, folder: Path, library: Path) -> None:
        self.name = name
        self._path = folder / f"{name}.clock"
        self.environment: Mapping[str, str] = {"LD_PRELOAD": str(library), "MYPICK_CLOCK": str(self._path)}
        self.set(0.0)

    def set(self, seconds: float) -> None:
        """So far ahead of the truth, at once; behind it where that is below zero."""
        # written in place, and in one piece: it is mapped
        with self._path.open("r+b" if self._path.exists() else "wb", buffering=0) as dial:
            dial.write(struct.pack("=q", round(seconds * 1e9)))
