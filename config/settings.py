"""All settings in one frozen object, read once by ``run.py``."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_ACCESS_SECRET = "development-only-access-secret-change-me"  # noqa: S105 - refused in production
DEFAULT_REFRESH_SECRET = "development-only-refresh-secret-change-me"  # noqa: S105 - refused in production
MINIMUM_SECRET_LENGTH = 32

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(value: Any) -> Any:
    """Seconds from a number or from ``"15m"``, ``"1h"``, ``"30d"``; ``ValueError`` for any other text."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*([smhd]?)\s*", value)
    if match is None or not int(match[1]):
        raise ValueError("it is a time above zero, in seconds or with a unit: 3600, 15m, 1h or 30d")
    return int(match[1]) * _UNITS.get(match[2] or "s", 1)


Duration = Annotated[int, BeforeValidator(parse_duration), Field(gt=0)]


class Settings(BaseSettings):
    """Every setting, its default and its bound. ``.env.example`` is this class as text."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    app_env: Literal["development", "test", "production"] = Field(
        "development", description="development, test or production; production refuses unsafe settings"
    )
    app_host: str = Field("0.0.0.0", description="address to listen on")  # noqa: S104 - a server listens
    app_port: int = Field(4000, ge=0, le=65_535, description="port to listen on; 0 takes any free one")
    app_url: str = Field("http://localhost:4000", description="where people reach this server")
    client_url: str = Field(
        "http://localhost:4000", description="origins allowed by CORS and by sockets, separated by commas"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    sentry_dsn: SecretStr = Field(SecretStr(""), description="where Sentry takes errors; empty is off")

    database_url: SecretStr = Field(
        SecretStr("sqlite://var/mypick.sqlite3"),
        description="sqlite://path, postgres://user:password@host/name or mysql://user:password@host/name",
    )
    database_pool_size: int = Field(10, ge=2, le=200, description="database connections of one process")
    redis_url: SecretStr = Field(
        SecretStr(""), description="redis://host:6379/0; empty keeps everything in one process"
    )
    redis_bus: Literal["classic", "sharded"] = Field(
        "classic", description="classic, or sharded for a Redis Cluster (7.0 or newer) that carries the bus"
    )
    redis_bus_url: SecretStr = Field(
        SecretStr(""), description="any server of that cluster, or another Redis for the bus alone; empty is REDIS_URL"
    )
    work_in_server: Literal["auto", "yes", "no"] = Field(
        "auto", description="whether serve does background jobs itself: auto does with SQLite or without Redis, yes, no"
    )
    workers: int = Field(
        1, ge=1, le=64, description="processes of serve that share its port; more than one take WebSocket only"
    )

    jwt_secret: SecretStr = Field(
        SecretStr(DEFAULT_ACCESS_SECRET), description="signs access tokens; 32 characters or more"
    )
    jwt_expires_in: Duration = Field(3600, description="life of an access token: 3600, 15m, 1h")
    jwt_refresh_secret: SecretStr = Field(
        SecretStr(DEFAULT_REFRESH_SECRET), description="signs refresh tokens; differs from JWT_SECRET"
    )
    jwt_refresh_expires_in: Duration = Field(30 * 86_400, description="life of a refresh token: 30d")
    jwt_issuer: str = Field("mypick", description="iss of every token")
    jwt_audience: str = Field("mypick", description="aud of every token")

    youtube_api_key: SecretStr = Field(
        SecretStr(""), description="Data API key; without one the public channel feeds are read"
    )
    youtube_api_url: str = Field("https://www.googleapis.com/youtube/v3", description="Data API address")
    youtube_feed_url: str = Field("https://www.youtube.com", description="where channel feeds and pages are")
    poll_interval: Duration = Field(300, description="seconds between two looks at a channel")
    poll_batch: int = Field(20, ge=1, le=500, description="channels one worker claims at a time")
    sweep_interval: Duration = Field(5, description="seconds between two looks for due work")

    cache_ttl: Duration = Field(60, description="seconds that a cached read lives")
    cache_max_size: int = Field(10_000, ge=100, description="entries of the memory level of the cache")
    rate_limit_window: Duration = Field(60, description="seconds of the general rate limit")
    rate_limit_max_requests: int = Field(300, ge=1, description="requests per window, user and address")
    rate_limits: dict[str, str] = Field(
        default_factory=dict,
        description='other limits by name, JSON: {"auth.register": "5/1h", "socket.command": "20/1s"}',
    )
    trusted_proxies: int = Field(0, ge=0, le=5, description="proxies in front whose X-Forwarded-For is true")
    max_body_bytes: int = Field(256 * 1024, ge=1024, description="largest REST body")
    max_packet_bytes: int = Field(64 * 1024, ge=1024, description="largest socket packet")
    socket_attachments: int = Field(8, ge=0, le=100, description="binary attachments of one packet")
    socket_nesting: int = Field(32, ge=2, le=500, description="lists and objects within each other in one event")
    socket_namespaces: int = Field(8, ge=1, le=100, description="namespaces of one connection")
    socket_rooms: int = Field(100, ge=1, le=10_000, description="rooms of one client in one namespace")
    socket_packets_per_second: int = Field(
        100, ge=1, description="packets of one connection, of whatever kind; beyond it is closed"
    )
    socket_packets_per_turn: int = Field(
        16, ge=1, le=10_000, description="packets of one connection in one turn of the event loop; others come between"
    )
    socket_steps_per_turn: int = Field(
        8, ge=1, le=10_000, description="steps of connections that come and go in one turn of the event loop"
    )
    socket_waiting: int = Field(32, ge=1, le=10_000, description="events of one client that wait for their turn")
    socket_connections: int = Field(50_000, ge=1, description="connections of one server process")
    socket_connections_per_user: int = Field(
        20, ge=1, description="connections of one user to one namespace of one server process"
    )
    socket_unsent_bytes: int = Field(
        1024 * 1024, ge=64 * 1024, description="bytes held for a client that does not read; beyond it is closed"
    )
    socket_alone: Duration = Field(20, description="seconds that a connection may be in no namespace")
    loop_look_ms: int = Field(
        250, ge=1, le=10_000, description="milliseconds between two looks at how late the event loop runs"
    )
    socket_ping_interval: Duration = Field(25, description="seconds between two pings of a connection")
    socket_ping_timeout: Duration = Field(
        20, description="seconds for the answer to a ping; a client whose link is dead is noticed within both together"
    )
    http_idle: Duration = Field(75, description="seconds for a request to arrive, and between two of a connection")
    preview_ports: str = Field("80,443", description="ports that previews of links may ask, separated by commas")
    preview_networks: str = Field(
        "", description="private networks that they may ask, such as 10.1.0.0/16; empty: what is public and no more"
    )
    media_origins: str = Field(
        "",
        description="where video files of watch parties may lie, https://media.example, separated by commas;"
        " empty: parties play YouTube alone",
    )
    storage_folder: str = Field(
        "var/storage", description="where exports of people's data are written; all processes share it"
    )
    export_keep: Duration = Field(7 * 86_400, description="how long an export can be fetched: 7d")
    erasure_grace: Duration = Field(
        7 * 86_400, description="how long logging in calls off an erasure that a person asked for: 7d"
    )
    party_capacity: int = Field(5_000, ge=2, le=5_000, description="people in one watch party, at most")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="bearer token that /metrics asks for; empty leaves it open"
    )

    @property
    def in_production(self) -> bool:
        return self.app_env == "production"

    @property
    def uses_sqlite(self) -> bool:
        return self.database_url.get_secret_value().startswith("sqlite")

    @property
    def link_preview_ports(self) -> tuple[int, ...]:
        return tuple(int(port) for port in self.preview_ports.split(","))

    @property
    def link_preview_networks(self) -> tuple[str, ...]:
        return tuple(network.strip() for network in self.preview_networks.split(",") if network.strip())

    @property
    def party_media_origins(self) -> tuple[str, ...]:
        return tuple(origin.strip().rstrip("/") for origin in self.media_origins.split(",") if origin.strip())

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Origins of ``CLIENT_URL`` and ``APP_URL``, without trailing slashes."""
        named = [*self.client_url.split(","), self.app_url]
        return frozenset(origin.strip().rstrip("/") for origin in named if origin.strip())

    @model_validator(mode="before")
    @classmethod
    def derive_addresses(cls, given: Any) -> Any:
        """Where APP_URL and CLIENT_URL are not named, they follow APP_PORT."""
        if isinstance(given, dict) and (port := given.get("app_port")):
            for name in ("app_url", "client_url"):
                given.setdefault(name, f"http://localhost:{port}")
        return given

    @field_validator("redis_url", "redis_bus_url")
    @classmethod
    def check_redis_url(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it begins with redis://, rediss:// or unix://; leave it empty to do without Redis")
        return value

    @field_validator("sentry_dsn")
    @classmethod
    def check_sentry_dsn(cls, value: SecretStr) -> SecretStr:
        dsn = value.get_secret_value()
        if dsn and not re.fullmatch(r"https?://[^@/]+@[^/]+/.+", dsn):
            raise ValueError("it looks like https://KEY@HOST/PROJECT; leave it empty to do without Sentry")
        return value

    @field_validator("preview_ports")
    @classmethod
    def check_ports(cls, value: str) -> str:
        if not all(port.strip().isdigit() and 0 < int(port) < 65_536 for port in value.split(",")):
            raise ValueError("it is a list of ports such as 80,443")
        return value

    @field_validator("preview_networks")
    @classmethod
    def check_networks(cls, value: str) -> str:
        for network in value.split(","):
            if network.strip():
                ip_network(network.strip())
        return value

    @field_validator("media_origins")
    @classmethod
    def check_media_origins(cls, value: str) -> str:
        # a browser loads no plain HTTP into an HTTPS page; on this machine itself there is nobody between
        allowed = r"https://[a-z0-9.-]+(:\d+)?/?|http://(localhost|127\.0\.0\.1)(:\d+)?/?"
        for origin in value.split(","):
            if origin.strip() and not re.fullmatch(allowed, origin.strip()):
                raise ValueError("it is an origin such as https://media.example, without a path; http on this host")
        return value

    @field_validator("app_url", "client_url")
    @classmethod
    def check_addresses(cls, value: str) -> str:
        for address in value.split(","):
            if address.strip() and not re.fullmatch(r"https?://[^/\s]+/?", address.strip()):
                raise ValueError("it is an origin such as https://mypick.example, without a path")
        return value

    @model_validator(mode="after")
    def refuse_what_cannot_work(self) -> Self:
        if self.workers > 1 and self.uses_sqlite and not self.redis_url.get_secret_value():
            raise ValueError(
                "WORKERS > 1 needs a server database and Redis: SQLite serves one process. "
                "Set DATABASE_URL to postgres://… or mysql://…, and REDIS_URL; or WORKERS=1."
            )
        if self.workers > 1 and self.uses_sqlite:
            raise ValueError(
                "WORKERS > 1 needs a server database: SQLite serves one process. "
                "Set DATABASE_URL to postgres://… or mysql://…, or WORKERS=1."
            )
        if self.redis_bus_url.get_secret_value() and not self.redis_url.get_secret_value():
            raise ValueError("REDIS_BUS_URL carries the bus alone: the rest needs REDIS_URL. Set both, or neither.")
        if self.workers > 1 and not self.redis_url.get_secret_value():
            raise ValueError("WORKERS > 1 needs Redis to wake the other processes. Set REDIS_URL, or WORKERS=1.")
        if self.in_production:
            self._refuse_unsafe_secrets()
        return self

    def _refuse_unsafe_secrets(self) -> None:
        access, refresh = self.jwt_secret.get_secret_value(), self.jwt_refresh_secret.get_secret_value()
        for name, value, default in (
            ("JWT_SECRET", access, DEFAULT_ACCESS_SECRET),
            ("JWT_REFRESH_SECRET", refresh, DEFAULT_REFRESH_SECRET),
        ):
            if value == default:
                raise ValueError(
                    f"{name} is not set: production does not start with the development default. "
                    "Make one with: openssl rand -base64 48"
                )
            if len(value) < MINIMUM_SECRET_LENGTH:
                raise ValueError(
                    f"{name} has {len(value)} characters: production needs {MINIMUM_SECRET_LENGTH} or more. "
                    "Make one with: openssl rand -base64 48"
                )
        if access == refresh:
            raise ValueError("JWT_REFRESH_SECRET equals JWT_SECRET: an access token would pass as a refresh token.")
