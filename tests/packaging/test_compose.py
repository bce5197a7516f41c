"""``docker-compose.yml`` and ``Dockerfile``, as far as they can be judged without an engine."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # the package ships no types

from config.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRETS = {"POSTGRES_PASSWORD": "p" * 48, "JWT_SECRET": "a" * 64, "JWT_REFRESH_SECRET": "b" * 64}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def filled_in(value: str) -> str:
    """``value`` as Compose reads it where only the secrets are set."""

    def one(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if name in SECRETS:
            return SECRETS[name]
        assert kind == "-", f"{name} has no default and is no secret"
        return str(rest)

    return _VARIABLE.sub(one, value)


@pytest.fixture
def services() -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found: dict[str, Any] = content["services"]
    return found


@pytest.fixture
def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if service["image"] == "mypick"}


def test_two_servers_one_worker_and_one_migration_share_an_image(ours: dict[str, Any]) -> None:
    commands = sorted(" ".join(service["command"]) for service in ours.values())
    assert commands == ["migrate", "serve", "serve", "worker"]


def test_every_variable_is_a_setting(ours: dict[str, Any]) -> None:
    known = {name.upper() for name in Settings.model_fields}
    for service in ours.values():
        assert set(service["environment"]) <= known


def test_production_accepts_the_settings(ours: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for service in ours.values():
        for name, value in service["environment"].items():
            monkeypatch.setenv(name, filled_in(value))
        settings = Settings(_env_file=None)
        assert settings.in_production
        assert settings.trusted_proxies == 1
        assert settings.redis_url.get_secret_value()
        assert SECRETS["POSTGRES_PASSWORD"] in settings.database_url.get_secret_value()


def test_nothing_starts_without_its_secrets() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in SECRETS:
        uses = [match for match in _VARIABLE.finditer(text) if match[1] == name]
        assert uses
        assert all(match[2] == "?" for match in uses), name


def test_servers_wait_for_the_migration_and_nginx_for_the_servers(services: dict[str, Any]) -> None:
    for name in ("server-1", "server-2", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["restart"] == "no"
    assert set(services["nginx"]["depends_on"]) == {"server-1", "server-2"}
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "test" in services[name]["healthcheck"], name


def test_every_service_has_a_health_check_or_says_why_not(services: dict[str, Any]) -> None:
    unchecked = {name for name, service in services.items() if service["healthcheck"].get("disable")}
    assert unchecked == {"worker", "migrate"}  # neither has a port


def test_only_nginx_is_reachable_from_outside(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]


def test_files_that_are_mounted_exist(services: dict[str, Any]) -> None:
    for source in (volume.split(":")[0] for volume in services["nginx"]["volumes"]):
        assert (ROOT / source).is_file()


@pytest.mark.skipif(not (ROOT / "run.py").exists(), reason="the command line is not there yet")
@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_run_knows_the_command(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "run.py", command, "--help"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(name).strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    assert instructions("USER")[-1].isdigit()
    assert int(instructions("USER")[-1]) > 0


def test_the_image_installs_wheels_with_the_hashes_of_the_lock() -> None:
    (install,) = (line for line in instructions("RUN") if "pip install" in line)
    words = shlex.split(install)
    assert {"--require-hashes", "--only-binary"} <= set(words)
    assert words[words.index("-r") + 1] == "requirements.lock"
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^[\w.\[\]-]+==.*(?:\n[ \t]+.*)*", lock, re.MULTILINE)
    assert pinned
    assert all("--hash=sha256:" in entry for entry in pinned)


def test_what_the_image_copies_passes_the_ignore_file() -> None:
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]}
    assert lines[1] == "*"
    assert copied == allowed


def test_the_image_holds_every_package_that_imports_each_other() -> None:
    config = (ROOT / "pyproject.toml").read_text()
    (packages,) = re.findall(r"^root_packages = \[(.*)\]", config, re.MULTILINE)
    copied = {word for line in instructions("COPY") for word in line.split()}
    for package in re.findall(r'"(\w+)"', packages):
        assert package in copied or f"{package}.py" in copied
