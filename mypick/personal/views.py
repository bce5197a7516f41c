"""What is shown of exports and erasures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mypick.wire import Instant, View


class ExportView(View):
    id: int
    state: Literal["waiting", "running", "ready", "failed", "expired"]
    sections_done: int
    sections: int = Field(description="files that there will be")
    rows_done: int
    size: int | None = Field(description="bytes")
    asked_at: Instant
    expires_at: Instant | None = Field(description="when the file is deleted")
    download_url: str | None = Field(description="where the file is, for five minutes; ask again for a new one")


class ErasureView(View):
    erases_at: Instant = Field(description="until then logging in calls it off")
