"""Links that open one file for a few minutes, for whoever has them: a browser sends no token with a download."""

from __future__ import annotations

import hashlib
import hmac

from mypick.clock import Clock

LIFE_S = 300


class Links:
    """``secret`` is the process's own; the key made from it signs nothing else."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._key = hmac.digest(secret.encode(), b"links to exports", hashlib.sha256)
        self._clock = clock

    def query(self, export_id: int) -> str:
        """The query of a link to the export."""
        until = int(self._clock.now().timestamp()) + LIFE_S
        return f"until={until}&signature={self._signature(export_id, until)}"

    def opens(self, export_id: int, until: int, signature: str) -> bool:
        """Whether the link is ours and not too old."""
        good = hmac.compare_digest(signature.encode(), self._signature(export_id, until).encode())
        return good and self._clock.now().timestamp() < until

    def _signature(self, export_id: int, until: int) -> str:
        return hmac.new(self._key, f"{export_id}:{until}".encode(), hashlib.sha256).hexdigest()
