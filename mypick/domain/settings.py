"""What the domain needs of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mypick.limits import Rate


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """What the domain needs of the settings, as plain values. Times in seconds."""

    node: str  # unique to this run of this process
    redis_url: str
    bus_url: str  # a Redis that carries the bus: the same, or any server of a cluster
    bus_sharded: bool
    works: bool  # whether background jobs are done in this process
    access_secret: str = field(repr=False)
    refresh_secret: str = field(repr=False)
    access_life: int
    refresh_life: int
    issuer: str
    audience: str
    youtube_api_key: str = field(repr=False)
    youtube_api_url: str
    youtube_feed_url: str
    poll_interval: int
    poll_batch: int
    sweep_interval: int
    cache_ttl: int
    cache_max_size: int
    general_rate: Rate
    rate_limits: Mapping[str, str]
    loop_look: float  # between two looks at how late the loop runs
    preview_ports: tuple[int, ...]
    preview_networks: tuple[str, ...]  # private ones that links may lead to
    media_origins: tuple[str, ...]  # where video files of watch parties may lie
    storage_folder: str
    export_keep: int
    erasure_grace: int
    party_capacity: int  # people in one watch party
