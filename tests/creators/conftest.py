"""The emulated platform of the platform tests, and the service of creators on it."""

from __future__ import annotations

import pytest

from mypick.creators.service import Creators
from mypick.db import Database
from mypick.platforms.youtube import YouTube
from tests.creators.stage import creators_on
from tests.fakes import FakeClock
from tests.platforms.conftest import channel, emulator, session, with_key, without_key, youtube

__all__ = ["channel", "emulator", "session", "with_key", "without_key", "youtube"]


@pytest.fixture
def creators(database: Database, with_key: YouTube, clock: FakeClock) -> Creators:
    return creators_on(with_key, clock)
