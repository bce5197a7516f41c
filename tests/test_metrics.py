"""The metrics as Prometheus reads them."""

from __future__ import annotations

from dataclasses import fields

from prometheus_client import CollectorRegistry, generate_latest

from mypick.metrics import Metrics


def test_every_metric_is_on_the_registry_that_was_handed_in_with_a_name_of_ours() -> None:
    registry = CollectorRegistry()
    metrics = Metrics.on(registry)
    metrics.commands.labels("send-message", "ok").inc()
    text = generate_latest(registry).decode()
    for field in fields(Metrics):
        if field.name != "registry":
            assert f"# HELP mypick_{field.name}" in text
    assert 'mypick_commands_total{command="send-message",result="ok"} 1.0' in text


def test_two_registries_have_nothing_in_common() -> None:
    one, other = Metrics.unread(), Metrics.unread()
    one.bus_dropped.inc()
    assert other.registry.get_sample_value("mypick_bus_dropped_total") == 0
