"""Settings: what production refuses, in one line and without the secret; durations; empty values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.settings import (
    DEFAULT_ACCESS_SECRET,
    DEFAULT_REFRESH_SECRET,
    MINIMUM_SECRET_LENGTH,
    Settings,
    parse_duration,
)
from tests.platforms.patience import patient

ROOT = Path(__file__).resolve().parents[1]
ACCESS, REFRESH = "access-" + "a" * 40, "refresh-" + "b" * 40
GOOD = {"APP_ENV": "production", "JWT_SECRET": ACCESS, "JWT_REFRESH_SECRET": REFRESH}
POSTGRES = "postgres://someone:hunter2secret@127.0.0.1:1/x"

REFUSED = [
    ("no secrets at all", {"JWT_SECRET": "", "JWT_REFRESH_SECRET": ""}, "JWT_SECRET is not set"),
    ("the default secret", {"JWT_SECRET": DEFAULT_ACCESS_SECRET}, "JWT_SECRET is not set"),
    ("the other default secret", {"JWT_REFRESH_SECRET": DEFAULT_REFRESH_SECRET}, "JWT_REFRESH_SECRET is not set"),
    ("no refresh secret", {"JWT_REFRESH_SECRET": ""}, "JWT_REFRESH_SECRET is not set"),
    ("a short secret", {"JWT_SECRET": "xq7-tooshort"}, "JWT_SECRET has 12 characters"),
    ("a short refresh secret", {"JWT_REFRESH_SECRET": "xq7-tooshort"}, "JWT_REFRESH_SECRET has 12 characters"),
    ("equal secrets", {"JWT_REFRESH_SECRET": ACCESS}, "JWT_REFRESH_SECRET equals JWT_SECRET"),
    ("SQLite for several processes", {"WORKERS": "2"}, "WORKERS > 1 needs a server database"),
    (
        "several processes that nothing wakes",
        {"WORKERS": "2", "DATABASE_URL": POSTGRES},
        "WORKERS > 1 needs Redis",
    ),
    (
        "a bus without the rest of Redis",
        {"REDIS_BUS_URL": "redis://127.0.0.1/0"},
        "REDIS_BUS_URL carries the bus alone",
    ),
    ("a port that is none", {"APP_PORT": "70000"}, "APP_PORT"),
    ("a port that is no number", {"APP_PORT": "web"}, "APP_PORT: it must be a whole number"),
    ("a duration that is none", {"JWT_EXPIRES_IN": "soon"}, "JWT_EXPIRES_IN: it is a time above zero, in seconds or"),
    ("a life of nothing", {"JWT_EXPIRES_IN": "0s"}, "JWT_EXPIRES_IN: it is a time above zero"),
    ("an environment that is none", {"APP_ENV": "prod"}, "APP_ENV: it must be 'development', 'test' or 'production'"),
    ("limits that are no JSON", {"RATE_LIMITS": "many"}, "RATE_LIMITS: it must be a JSON object"),
    ("limits that are a list", {"RATE_LIMITS": "[1]"}, "RATE_LIMITS: it must be a JSON object"),
    ("a limit that is a number", {"RATE_LIMITS": '{"auth.register": 5}'}, "RATE_LIMITS: it must be a JSON object"),
]
SECRETS = (ACCESS, REFRESH, "xq7-tooshort", "hunter2secret", DEFAULT_ACCESS_SECRET, DEFAULT_REFRESH_SECRET)


def serve(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "serve", "--port", "0"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.mark.parametrize(("changed", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_production_refuses_what_cannot_work_and_shows_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], said: str
) -> None:
    from run import main

    for name, value in {**GOOD, **changed}.items():
        monkeypatch.setenv(name, value)
    assert main(["jobs"]) == 2  # a command that would end by itself
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith("mypick: ")
    assert said in line
    assert not any(secret in output.err + output.out for secret in SECRETS)


@pytest.mark.parametrize("name", ["the default secret", "a short secret", "several processes that nothing wakes"])
def test_real_command_ends_with_status_2_and_one_line(tmp_path: Path, name: str) -> None:
    ((changed, said),) = [row[1:] for row in REFUSED if row[0] == name]
    refused = serve(tmp_path, {**GOOD, **changed})
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert said in line
    assert not any(secret in line for secret in SECRETS)
    assert refused.stdout == ""


def test_a_mistyped_name_is_told_with_the_name_that_is_meant(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from run import main

    (tmp_path / ".env").write_text("DATABASEURL=postgres://hunter2secret@x/y\n")
    for name, value in {**GOOD, "JWT_SECRET": "", "JWT_SECRT": ACCESS, "API_URL": "x", "REDIS_HOST": "y"}.items():
        monkeypatch.setenv(name, value)
    assert main(["jobs"]) == 2
    refusal, *hints = capsys.readouterr().err.splitlines()
    assert "JWT_SECRET is not set" in refusal
    assert hints == [
        "mypick: DATABASEURL has no effect: is DATABASE_URL meant?",
        "mypick: JWT_SECRT has no effect: is JWT_SECRET meant?",
    ]


def test_a_server_that_starts_logs_a_mistyped_name(tmp_path: Path) -> None:
    environment = {"CACHE_TLL": "5", "WORK_IN_SERVER": "no"}  # the second ends it
    refused = serve(tmp_path, environment)
    (hint,) = [line for line in refused.stderr.splitlines() if "CACHE" in line]
    assert "[warning" in hint
    assert "CACHE_TLL has no effect: is CACHE_TTL meant?" in hint


def test_a_python_without_the_packages_is_told_which_one_to_take() -> None:
    refused = subprocess.run(
        [sys.executable, "-S", str(ROOT / "run.py"), "serve"], env={}, capture_output=True, text=True, timeout=60
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith("mypick: this Python lacks the packages: type .venv/bin/python")


def test_production_takes_what_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, **GOOD).in_production
    several = read(monkeypatch, WORKERS="2", DATABASE_URL=POSTGRES, REDIS_URL="redis://127.0.0.1/0")
    assert several.workers == 2
    exact = read(monkeypatch, JWT_SECRET="a" * MINIMUM_SECRET_LENGTH)
    assert exact.in_production


def test_development_needs_no_settings_at_all() -> None:
    settings = Settings()
    assert not settings.in_production
    assert settings.uses_sqlite
    assert settings.jwt_secret.get_secret_value() != settings.jwt_refresh_secret.get_secret_value()


def test_settings_never_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch, **GOOD, DATABASE_URL=POSTGRES, YOUTUBE_API_KEY="hunter2secret", METRICS_TOKEN="hunter2secret"
    )
    assert not any(secret in shown for secret in SECRETS for shown in (repr(settings), str(settings.model_dump())))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3600", 3600), ("15m", 900), ("1h", 3600), ("30d", 2_592_000), (" 7 s ", 7), ("1", 1), (5, 5)],
)
def test_durations_are_read_in_every_unit(text: str | int, seconds: int) -> None:
    assert parse_duration(text) == seconds


@patient
@given(st.text(max_size=12))
def test_what_is_no_duration_is_never_taken_for_one(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert seconds > 0
    assert text.strip().rstrip("smhd").strip().isdecimal()


@pytest.mark.parametrize("text", ["-1", "1.5h", "1w", "h", "1 h 30 m", "1e3", "infinity"])
def test_wrong_durations_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(ValidationError):
        read(monkeypatch, POLL_INTERVAL=text)


def test_empty_values_mean_the_default_in_the_file_and_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("APP_PORT=\nPOLL_INTERVAL=90s\nUNKNOWN=1\nWORKERS=\n")
    settings = read(monkeypatch, CACHE_TTL="", LOG_LEVEL="")
    assert (settings.app_port, settings.poll_interval, settings.workers) == (4000, 90, 1)
    assert (settings.cache_ttl, settings.log_level) == (60, "INFO")


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_PORT=5000\n")
    assert Settings().app_port == 5000
    assert read(monkeypatch, APP_PORT="6000").app_port == 6000


def test_origins_are_compared_without_slashes_and_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, CLIENT_URL="https://a.example/, https://b.example ,", APP_URL="https://me.example/")
    assert settings.allowed_origins == {"https://a.example", "https://b.example", "https://me.example"}
