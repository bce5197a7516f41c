"""``.env.example`` and the settings say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.example import example
from config.settings import Settings

FILE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_file_is_what_the_settings_make_it() -> None:
    assert FILE.read_text() == example(), "run: python -m config.example > .env.example"


def test_a_copy_of_the_file_changes_nothing() -> None:
    assert Settings(_env_file=FILE) == Settings(_env_file=None)


def test_every_setting_has_one_line_of_meaning() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description, name
