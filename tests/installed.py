"""Tools that are not Python packages: which are here, and which tests are left out without them."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NODE = shutil.which("node")
COMPILER = shutil.which("cc")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CLIENT_FILE = ROOT / "node_modules/socket.io-client/dist/socket.io.min.js"

# what a test file needs, by the mark that its name stands for
_NEEDS = {
    "node": {"Node.js": NODE, "socket.io-client (npm ci)": CLIENT_FILE.is_file()},
    "clocks": {
        "C compiler": COMPILER,
        "Node.js": NODE,
        "socket.io-client (npm ci)": CLIENT_FILE.is_file(),
    },
    "browser": {
        "Node.js": NODE,
        "socket.io-client (npm ci)": CLIENT_FILE.is_file(),
        "playwright-core (npm ci)": (ROOT / "node_modules/playwright-core").is_dir(),
        "Chromium": CHROMIUM,
    },
}


def missing(mark: str) -> list[str]:
    """What is not here of all that tests with ``mark`` need."""
    return [name for name, found in _NEEDS[mark].items() if not found]


def left_out() -> list[str]:
    """One sentence for each kind of test that cannot run here."""
    return [f"{mark} tests are left out: no {', '.join(names)}" for mark in _NEEDS if (names := missing(mark))]
