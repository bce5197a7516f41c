from __future__ import annotations

from tests.installed import missing

# the reasons stand in the first lines of the run: see tests/conftest.py
collect_ignore_glob = ["test_browser*.py"] if missing("browser") else []
