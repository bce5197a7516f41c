"""Mistakes in the settings, each as one line that says what to do and never shows the value: it may be a secret."""

from __future__ import annotations

import re

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mypick.validation import plain

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
