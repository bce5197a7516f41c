"""The metrics of several processes as one: counters and histograms are added, gauges are told for each by number."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_ADDED = frozenset({"counter", "histogram", "summary"})
_FOLDED_KEPT = 100  # names of processes: far more than end between two looks


def snapshot(registry: Collector, number: int, started: float) -> bytes:
    """What ``registry`` shows now, as JSON. ``started`` orders the processes that have one number, one after the other.

    Times of creation are left out: they have no sum.
    """
    families = [
        [
            metric.name,
            metric.documentation,
            metric.type,
            [
                [sample.name, sample.labels, sample.value]
                for sample in metric.samples
                if not sample.name.endswith("_created")
            ],
        ]
        for metric in registry.collect()
    ]
    return orjson.dumps({"number": number, "started": started, "families": families, "folded": []})


@dataclass
class _Family:
    text: str
    kind: str
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)


class Counts(Collector):
    """Snapshots, put together. Bound: what the processes have, since their labels are names out of the code."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}

    def add(self, told: dict[str, Any], *, gauges: bool = True) -> None:
        """Without its ``gauges`` where the process is no more: what they said is no more either. Of two processes with
        one number the gauges of the later one added are kept."""
        for name, text, kind, samples in told["families"]:
            added = kind in _ADDED
            if not (added or gauges):
                continue
            family = self._families.get(name)
            if family is None:
                family = self._families[name] = _Family(text, kind)
            for sample, labels, value in samples:
                if added:
                    key = (sample, tuple(labels.items()))
                    family.samples[key] = family.samples.get(key, 0.0) + value
                else:
                    family.samples[sample, (*labels.items(), ("worker", str(told["number"])))] = value

    def up(self, count: int, answered: Collection[int]) -> None:
        """Name who answered of the numbers 1 to ``count``."""
        family = _Family("1 where this worker answered", "gauge")
        for number in range(1, count + 1):
            family.samples["mypick_worker_up", (("worker", str(number)),)] = float(number in answered)
        self._families["mypick_worker_up"] = family

    def collect(self) -> Iterable[Metric]:
        for name, family in self._families.items():
            metric = (
                GaugeMetricFamily(name, family.text)
                if family.kind == "gauge"
                else Metric(name, family.text, family.kind)
            )
            for (sample, labels), value in family.samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric


def folded(gone: dict[str, Any] | None, name: str, last: dict[str, Any]) -> bytes:
    """The counts of processes that have ended: those of ``gone`` and the ``last`` ones of the process ``name``."""
    sums = Counts()
    for told in (gone, last):
        if told is not None:
            sums.add(told, gauges=False)
    document = orjson.loads(snapshot(sums, 0, 0.0))
    before = [] if gone is None else gone["folded"]
    document["folded"] = [*before, name][-_FOLDED_KEPT:]
    return orjson.dumps(document)
