"""Tables in a page that are replaced one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.blocks import Blocks
from benchmarks.run import BLOCKS, PAGE
from tests.chaos import report
from tests.chaos.__main__ import PAGE as RELIABILITY

TABLES = Blocks("tables", ("first", "second", "third"))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(f"above\n\n{TABLES.begin}\nolder\n{TABLES.end}\n\nbelow\n")
    return path


def test_what_is_written_again_leaves_the_others_as_they_are(page: Path) -> None:
    TABLES.write(page, {"third": "3", "first": "1"})
    TABLES.write(page, {"second": "| 2 |\n", "first": "one"})
    inside = "<!-- tables: first -->\n\none\n\n<!-- tables: second -->\n\n| 2 |\n\n<!-- tables: third -->\n\n3"
    assert page.read_text() == f"above\n\n{TABLES.begin}\n\n{inside}\n\n{TABLES.end}\n\nbelow\n"


def test_writing_the_same_again_changes_nothing(page: Path) -> None:
    TABLES.write(page, {"first": "1", "third": "3"})
    once = page.read_text()
    TABLES.write(page, {"first": "1"})
    assert page.read_text() == once


def test_what_is_no_longer_measured_goes(page: Path) -> None:
    TABLES.write(page, {"first": "1", "second": "2"})
    Blocks("tables", ("second",)).write(page, {})
    assert "1" not in page.read_text()
    assert "2" in page.read_text()


def test_a_page_without_markers_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"{TABLES.end} {TABLES.begin}")
    with pytest.raises(ValueError, match="no place for the tables"):
        TABLES.write(path, {"first": "1"})
    assert path.read_text() == f"{TABLES.end} {TABLES.begin}"


@pytest.mark.parametrize(("blocks", "path"), [(BLOCKS, PAGE), (report.BLOCKS, RELIABILITY)])
def test_the_pages_of_this_project_have_a_place_for_them(blocks: Blocks, path: Path) -> None:
    page = path.read_text()
    assert page.index(blocks.begin) < page.index(blocks.end)
