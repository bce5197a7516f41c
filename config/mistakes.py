"""Mistakes in the settings, each as one line that says what to do and never shows the value: it may be a secret."""

from __future__ import annotations

import re
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource, SettingsError

from config.settings import Settings
from mypick.validation import plain

NEAR = 0.87  # of 1, alike: one letter of eight may differ, so that API_URL and REDIS_HOST of others are left alone
_JSON = """it must be a JSON object of texts, such as {"auth.register": "5/1h"}"""


def settings_problem(wrong: ValidationError | SettingsError) -> str:
    """The first mistake."""
    if isinstance(wrong, SettingsError):  # it says which field could not be read, in words of its own
        field = re.search(r'field "(\w+)"', str(wrong))
        return f"{field[1].upper()}: {_JSON}" if field else f"a setting cannot be read: {_JSON}"
    first = wrong.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        return plain(first)  # of several settings; the text names them
    in_json = first["type"] == "dict_type" or len(first["loc"]) > 1
    return f"{str(first['loc'][0]).upper()}: {_JSON if in_json else plain(first)}"


def near_misses() -> list[str]:
    """A line for each name in the environment or ``.env`` that is nearly that of a setting, and so has no effect."""
    known = [name.upper() for name in Settings.model_fields]
    given = {name.upper() for source in (EnvSettingsSource, DotEnvSettingsSource) for name in source(Settings).env_vars}
    found = ((name, get_close_matches(name, known, n=1, cutoff=NEAR)) for name in sorted(given.difference(known)))
    return [f"{name} has no effect: is {meant[0]} meant?" for name, meant in found if meant]
