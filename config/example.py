"""``.env.example`` as text, made from the settings: ``python -m config.example > .env.example``."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import SecretStr

from config.settings import Settings

_HEAD = """\
# Every setting with its default. Copy this file to .env and change what differs. The environment wins over
# the file, and an empty value means the default. Made by: python -m config.example > .env.example
"""


def example() -> str:
    """A comment and a ``NAME=default`` for each setting, in the order of the class."""
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        default = _as_text(field.get_default(call_default_factory=True))
        lines.append(f"# {field.description}\n{name.upper()}={default}\n")
    return "\n".join(lines)


def _as_text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, dict) else str(value)


if __name__ == "__main__":
    sys.stdout.write(example())
