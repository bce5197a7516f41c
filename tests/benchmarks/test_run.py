"""The benchmarks at their smallest: figures exist and counts are exact. Never how fast."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ack, broadcast, connect, subjects
from benchmarks.client import Door, LoadError
from benchmarks.load import Load, raw_frame
from benchmarks.measurements import MEASUREMENTS
from benchmarks.party import peers
from benchmarks.run import main
from benchmarks.sample import Phase, Sample
from benchmarks.subjects import Subject, SubjectError, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the load leans on epoll and core affinity")


PARTIES = ("party", "party-faults", "party-crowd", "party-talk")


@pytest.fixture
def stock() -> Subject:
    return subjects.stock()[0]


def run(tmp_path: Path, *arguments: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    file = tmp_path / "rounds.json"
    assert main(["--quick", "--json", str(file), *arguments]) == 0
    rounds: dict[str, dict[str, list[dict[str, Any]]]] = json.loads(file.read_text())
    return rounds


ALIKE = ("bare", "idle-few", "search-sqlite")
"""Each does what another does, on another namespace, number or database."""


def assert_counted(figures: dict[str, Any]) -> None:
    assert figures["received"] == figures["expected"] > 0
    assert figures["disordered"] == 0
    assert figures["rate"] > 0
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_a_quick_run_measures_everything_and_counts_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = [name for name in MEASUREMENTS if name not in (*PARTIES, *ALIKE)]
    rounds = run(tmp_path, "--subjects", "ours", "--only", ",".join(measured))
    assert list(rounds) == measured
    for name in ("connect", "ack", "broadcast", "pair", "storm"):
        (figures,) = rounds[name]["ours"]
        assert_counted(figures)
    (figures,) = rounds["stall"]["ours"]
    assert figures["received"] == figures["expected"] > 0
    assert figures["stall_ms"] >= 0
    assert rounds["storm"]["ours"][0]["queries"] > 0  # of so few clients each asks for itself
    (figures,) = rounds["room"]["ours"]
    assert figures["received"] == figures["expected"] > 0
    assert 0 < figures["p99_ms"] <= figures["last_p99_ms"]
    assert figures["join_kib"] > 1
    (figures,) = rounds["members"]["ours"]
    assert figures["pages"] == 3  # of 120 members
    assert figures["page_p95_ms"] > 0
    assert figures["search_p95_ms"] > 0
    assert 1 < figures["join_kib"] < 32
    for appender in ("ours", "chat", "chat, each alone", "one-per-transaction"):
        (appended,) = rounds["append"][appender]
        assert appended["stored"] == appended["expected"] > 0
        assert appended["rate"] > 0
        assert 0 < appended["half_p50_ms"] <= appended["half_p99_ms"]
    assert capsys.readouterr().out.count("###") == len(measured)


def test_parties_are_played_by_all_and_counted(tmp_path: Path) -> None:
    rounds = run(tmp_path, "--subjects", "", "--only", ",".join(PARTIES))
    assert list(rounds) == list(PARTIES)
    names = list(rounds["party"])
    assert names[0] == "ours"
    assert set(peers.PEERS) <= set(names)
    for (figures,) in rounds["party"].values():
        assert figures["looks"] > 1_000
        assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    (faults,) = rounds["party-faults"]["ours"]
    assert min(faults["migration_ms"], faults["restart_jump_ms"], faults["gate_ms"]) >= 0  # it all happened
    ((crowded,),) = rounds["party-crowd"].values()
    assert crowded["received"] == crowded["expected"] > 0
    ((talked,),) = rounds["party-talk"].values()
    assert talked["received"] == talked["expected"] > 0
    assert 0 < talked["said_p50_ms"] <= talked["said_p99_ms"]
    assert talked["reactions"] > 0
    assert 0 < crowded["reach_p50_ms"] <= crowded["reach_p99_ms"]


def test_peers_alone_are_counted_as_ours_are_and_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = run(tmp_path, "--only", "connect,ack,bare,broadcast,idle", "--subjects", "stock")
    assert rounds.pop("idle")["stock"][0]["bytes_each"] > 0
    for measured in rounds.values():
        assert_counted(measured["stock"][0])
    assert "goal" not in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("cc") is None, reason="the limit is compiled on the spot")
def test_the_limit_counts_every_send(tmp_path: Path) -> None:
    (figures,) = run(tmp_path, "--only", "broadcast", "--subjects", "")["broadcast"]["limit"]
    assert figures["received"] == figures["expected"] > 0


@pytest.mark.node
@pytest.mark.skipif(not subjects.node(install=False), reason="needs Node and the peer's packages")
def test_node_has_the_same_surface(tmp_path: Path) -> None:
    rounds = run(tmp_path, "--only", "connect,ack,broadcast,stall,pair", "--subjects", "node")
    for measured in rounds.values():
        (figures,) = measured["node"]
        assert figures["received"] == figures["expected"] > 0


def test_a_subject_that_cannot_run_is_named_and_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "nonsense" not in run(tmp_path, "--only", "connect", "--subjects", "stock,nonsense")["connect"]
    assert "nonsense cannot run here and is left out" in capsys.readouterr().out


def test_an_unknown_measurement_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "speed"])
    assert "no such measurement: speed" in capsys.readouterr().err


@pytest.mark.parametrize("subject", [*subjects.ours(), *subjects.stock()], ids=lambda subject: subject.name)
def test_a_refused_token_ends_the_run(subject: Subject) -> None:
    with (
        started(subject, subjects.cores().server) as server,
        Load(server.port, Door(auth={"token": "wrong"})) as load,
        pytest.raises(LoadError, match="UNAUTHENTICATED"),
    ):
        load.connect(1)


def test_a_lost_server_ends_the_run_instead_of_counting_less(stock: Subject) -> None:
    with started(stock, subjects.cores().server) as server, Load(server.port, stock.door) as load:
        load.connect(3)
        server.stop()
        with pytest.raises(LoadError):
            load.idle(30)


def test_a_program_that_does_not_listen_is_reported_with_its_last_words() -> None:
    silent = Subject("silent", (sys.executable, "-c", "raise SystemExit('no such thing')"))
    with pytest.raises(SubjectError, match=r"silent did not start.*no such thing"), started(silent, 0):
        pass


def copies_all_but_one(listener: socket.socket, clients: int, broadcasts: int, frame: int) -> None:
    """As the limit program does, but the second broadcast never reaches the last client."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(listener.accept()[0]) for _ in range(clients)]
        for number in range(broadcasts):
            data = sockets[0].recv(frame, socket.MSG_WAITALL)
            for client in sockets[: -1 if number == 1 else None]:
                client.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            sockets[0].recv(1)  # until the load has gone


def test_one_lost_delivery_is_counted_as_missing_and_as_disorder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        frame = len(raw_frame(0, broadcast.TEXT))
        serving = threads.submit(copies_all_but_one, listener, 3, 5, frame)
        with Load(listener.getsockname()[1], Door(raw=True), limit=1.0) as load:
            load.connect(3)
            phase = load.broadcast(5, broadcast.TEXT)
        serving.result(10)
    assert (phase.expected, phase.received, phase.missing, phase.disordered) == (15, 14, 1, 1)
    assert not phase.exact


def test_missing_and_disordered_answers_make_a_sample_inexact() -> None:
    def sample(expected: int, disordered: int) -> Sample:
        return Sample.of(Phase(expected, [0.001, 0.002], disordered, 1.0, 0.5), cpu=0.1)

    assert sample(2, 0).exact
    assert not sample(3, 0).exact
    assert not sample(2, 1).exact


@pytest.mark.parametrize(("busy", "cpu", "bound"), [(0.95, 0.5, True), (0.95, 0.99, False), (0.5, 0.5, False)])
def test_a_load_that_was_the_slower_side_says_so(busy: float, cpu: float, bound: bool) -> None:
    assert Sample.of(Phase(1, [0.001], 0, 1.0, busy), cpu).load_bound is bound


def test_each_measurement_costs_the_server_something_that_shows(stock: Subject) -> None:
    cores = subjects.cores()
    samples = [
        connect.measure(stock, cores, 100),
        ack.measure(stock, cores, 10, 2_000),
        broadcast.measure(stock, cores, 100, 40),
    ]
    assert all(sample.exact and sample.cpu_us > 0 for sample in samples)
