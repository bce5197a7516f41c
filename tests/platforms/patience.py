"""How hypothesis runs here: on a busy machine an example may take longer than the 200 ms that it allows."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
