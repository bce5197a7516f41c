"""Everything that is measured, in one flat object on a registry that is handed in.

Labels are names out of the code (a command, a route template, a kind of job), never ids or addresses: each set of
label values is a time series for ever. ``Metrics.unread()`` is for parts that are built without anyone to read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mypick.tallies import Counts, Timings

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_MILLISECONDS = (5, 10, 15, 25, 50, 70, 100, 150, 200, 400, 800, 2_000, 5_000)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


@dataclass(frozen=True, slots=True)
class Metrics:
    """One field for each metric; build with ``Metrics.on(registry)``, once for each registry."""

    registry: CollectorRegistry

    http_requests: Counter  # method, route, status
    http_seconds: Histogram  # method, route

    socket_connections: Gauge  # namespace: open now
    socket_connects: Counts  # namespace, result: "ok" or the code that refused
    socket_closes: Counts  # namespace, reason
    socket_handshakes: Counts  # result: websocket, polling, or why it was refused
    socket_dropped: Counts  # kind: events that were not sent to a client that does not read
    commands: Counts  # command, result: "ok" or the code
    command_seconds: Timings  # command: decode to ack
    events_delivered: Counts  # event: one for each socket that it was written to

    stream_commits: Counter  # result: ok, failed
    stream_commit_appends: Histogram  # appends that shared one transaction
    stream_commit_seconds: Histogram  # begin to commit
    stream_gaps: Counter  # reads of the database because `seq` jumped or the head had moved on
    stream_resumes: Counter  # result: events, reset

    bus_up: Gauge  # 1 while messages flow
    bus_published: Counter
    bus_received: Counter
    bus_dropped: Counter  # not published, since the far side was away
    bus_reconnects: Counter

    jobs_waiting: Gauge  # state, priority: how many
    jobs_oldest_seconds: Gauge  # state, priority: age of the oldest
    job_runs: Counter  # kind, result: done, retry, dead
    job_seconds: Histogram  # kind

    limits_refused: Counter  # limit
    limits_local: Counter  # decided by this process alone, since the shared counts were away
    cache_reads: Counter  # result: memory, shared, loaded, joined
    cache_invalidations: Counter  # origin: here, elsewhere, gap
    users_online: Gauge  # of this node

    parties_here: Gauge  # with sockets of this node
    party_guests: Gauge  # people in parties on this node
    party_position_error_ms: Histogram  # how far guests say they are off, while it plays
    clock_rtt_ms: Histogram  # of the clock's best sample, as guests say
    lead_miss: Counter  # a guest that still followed an old timeline when the next took effect
    fanout_ms: Histogram  # from when this node has a timeline to when all its sockets were written
    host_changes: Counter

    loop_lag_seconds: Histogram  # how late the event loop ran a timer
    loop_tasks: Gauge  # tasks that have not ended

    @classmethod
    def on(cls, registry: CollectorRegistry) -> Self:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"mypick_{name}", text, labels, registry=registry)

        def counts(name: str, text: str, *labels: str) -> Counts:
            return Counts(f"mypick_{name}", text, labels, registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"mypick_{name}", text, labels, registry=registry)

        def seconds(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(f"mypick_{name}", text, labels, registry=registry, buckets=_SECONDS)

        def milliseconds(name: str, text: str) -> Histogram:
            return Histogram(f"mypick_{name}", text, registry=registry, buckets=_MILLISECONDS)

        return cls(
            registry=registry,
            http_requests=counter("http_requests", "REST requests answered", "method", "route", "status"),
            http_seconds=seconds("http_seconds", "Seconds to answer a REST request", "method", "route"),
            socket_connections=gauge("socket_connections", "Open connections", "namespace"),
            socket_connects=counts("socket_connects", "Connection attempts", "namespace", "result"),
            socket_closes=counts("socket_closes", "Connections closed", "namespace", "reason"),
            socket_handshakes=counts("socket_handshakes", "Handshakes of sockets", "result"),
            socket_dropped=counts("socket_dropped", "Events not sent to clients that do not read", "kind"),
            commands=counts("commands", "Socket commands handled", "command", "result"),
            command_seconds=Timings(
                "mypick_command_seconds", "Seconds from command to ack", ("command",), _SECONDS, registry
            ),
            events_delivered=counts("events_delivered", "Events written to sockets", "event"),
            stream_commits=counter("stream_commits", "Group commits", "result"),
            stream_commit_appends=Histogram(
                "mypick_stream_commit_appends", "Appends in one commit", registry=registry, buckets=_SIZES
            ),
            stream_commit_seconds=seconds("stream_commit_seconds", "Seconds of one group commit"),
            stream_gaps=counter("stream_gaps", "Gaps filled from the database"),
            stream_resumes=counter("stream_resumes", "Resumes of clients", "result"),
            bus_up=gauge("bus_up", "1 while bus messages flow"),
            bus_published=counter("bus_published", "Bus messages sent"),
            bus_received=counter("bus_received", "Bus messages heard"),
            bus_dropped=counter("bus_dropped", "Bus messages dropped while the bus was away"),
            bus_reconnects=counter("bus_reconnects", "Interruptions of the bus that ended"),
            jobs_waiting=gauge("jobs_waiting", "Jobs not done", "state", "priority"),
            jobs_oldest_seconds=gauge("jobs_oldest_seconds", "Age of the oldest job", "state", "priority"),
            job_runs=counter("job_runs", "Runs of jobs", "kind", "result"),
            job_seconds=seconds("job_seconds", "Seconds of one run", "kind"),
            limits_refused=counter("limits_refused", "Commands over a rate limit", "limit"),
            limits_local=counter("limits_local", "Limits decided without the shared counts"),
            cache_reads=counter("cache_reads", "Cache reads by where they ended", "result"),
            cache_invalidations=counter("cache_invalidations", "Tags invalidated", "origin"),
            users_online=gauge("users_online", "Users with a connection to this node"),
            parties_here=gauge("parties_here", "Watch parties with sockets of this node"),
            party_guests=gauge("party_guests", "People in watch parties on this node"),
            party_position_error_ms=milliseconds("party_position_error_ms", "How far guests are off the timeline"),
            clock_rtt_ms=milliseconds("clock_rtt_ms", "Round trips of guests' best clock samples"),
            lead_miss=counter("lead_miss", "Guests that a timeline reached too late"),
            fanout_ms=milliseconds("fanout_ms", "Handing a timeline to all sockets of a node"),
            host_changes=counter("host_changes", "Watch parties that got another host"),
            loop_lag_seconds=seconds("loop_lag_seconds", "How late the event loop runs"),
            loop_tasks=gauge("loop_tasks", "Tasks of the event loop that have not ended"),
        )

    @classmethod
    def unread(cls) -> Self:
        """On a registry of its own."""
        return cls.on(CollectorRegistry())
