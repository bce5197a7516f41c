"""install.py LOCK…: the packages of each lock, with their hashes checked, in .venv. Needs Python alone.

Does nothing where the locks are what was installed last. uv does in 3 s what takes pip a minute; where uv cannot
work, pip does it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main(names: list[str]) -> int:
    if sys.version_info < (3, 11):
        print("MyPick needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …", file=sys.stderr)
        return 2
    if not (BIN / "python").exists() and subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
        print("python3 -m venv failed: install the package that brings it (on Debian python3-venv)", file=sys.stderr)
        return 2
    for name in names:
        lock, stamp = ROOT / name, VENV / f".{name}.installed"
        wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"installing {name}", flush=True)
        if with_uv(lock) and with_pip(lock):
            print(f"{name} could not be installed: see the lines above", file=sys.stderr)
            return 2
        stamp.write_text(wanted)
    return 0


def with_uv(lock: Path) -> int:
    pin = re.search(r"^uv==[\w.]+", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if pin is None or subprocess.call([str(BIN / "python"), *PIP, pin[0]], **quiet):
        return 1
    install = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", str(BIN / "python")]
    return subprocess.call([*install, "--no-deps", "--require-hashes", "-r", str(lock)], **quiet)


def with_pip(lock: Path) -> int:
    return subprocess.call([str(BIN / "python"), *PIP, "--no-deps", "--require-hashes", "-r", str(lock)])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
