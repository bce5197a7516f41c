"""Rounds that need what is not here are left out, as the first lines of a run say."""

from __future__ import annotations

from tests.installed import missing

collect_ignore_glob = ["test_steps.py"] if missing("clocks") else []
