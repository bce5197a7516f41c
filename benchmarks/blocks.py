"""Generated parts of a page, each replaced on its own: what was not measured again keeps its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Blocks:
    """Where they stand: between ``<!-- {name}: begin -->`` and ``<!-- {name}: end -->``, each after a line
    ``<!-- {name}: {block} -->``, in ``order``."""

    name: str
    order: Sequence[str]

    @property
    def begin(self) -> str:
        return self._marker("begin")

    @property
    def end(self) -> str:
        return self._marker("end")

    def write(self, path: Path, blocks: Mapping[str, str]) -> None:
        """Put ``blocks`` into ``path`` and keep its others; one that is not in ``order`` any more goes. Raises
        ``ValueError`` if the page has no place for them."""
        page = path.read_text()
        before, begun, rest = page.partition(self.begin)
        inside, ended, after = rest.partition(self.end)
        if not begun or not ended:
            raise ValueError(f"{path} has no place for the tables: it needs the lines {self.begin} and {self.end}")
        all_of_them = {**self._read(inside), **{name: text.strip() for name, text in blocks.items()}}
        parts = [f"{self._marker(name)}\n\n{all_of_them[name]}" for name in self.order if name in all_of_them]
        path.write_text("\n\n".join([f"{before}{self.begin}", *parts, f"{self.end}{after}"]))

    def _read(self, inside: str) -> dict[str, str]:
        pieces = re.split(self._marker(r"([a-z0-9-]+)"), inside)[1:]
        return {name: text.strip() for name, text in zip(pieces[::2], pieces[1::2], strict=True)}

    def _marker(self, what: str) -> str:
        return f"<!-- {self.name}: {what} -->"
