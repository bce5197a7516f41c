"""The official Socket.IO client at the version of package-lock.json, from npm into handlers/static/vendor.

Never committed. Where npm is missing or its registry is out of reach, the pages take it from its public CDN.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"
PLACE = ROOT / "handlers" / "static" / "vendor" / BUILT.name


def main(*, if_missing: bool) -> int:
    if if_missing and PLACE.exists():
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not here: the pages take the Socket.IO client from its public CDN", file=sys.stderr)
        return 0
    if not BUILT.exists():
        command = [npm, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"]
        if subprocess.call(command, cwd=ROOT):
            print("npm ci failed: the pages take the Socket.IO client from its public CDN", file=sys.stderr)
            return 0 if if_missing else 1
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(BUILT, PLACE)
    print(f"{PLACE.relative_to(ROOT)} is there; a server that runs already takes it when it starts again")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(if_missing="--if-missing" in sys.argv))
