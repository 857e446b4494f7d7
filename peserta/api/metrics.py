"""The door's metrics. No label has a value chosen by a caller."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from peserta.intake.taking import Taken

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ACCEPTED = "accepted"


class ApiMetrics:
    """The metrics of one process of the door."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._requests = Counter("peserta_api_requests", "Answered requests", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "peserta_api_request_seconds",
            "From the headers to the answer",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._facts = Counter(
            "peserta_api_facts",
            "Facts that were posted, by what became of them at the door",
            ["fate"],
            registry=registry,
        )
        self._failures = Counter(
            "peserta_api_authentication_failures", "Requests without a valid key", registry=registry
        )
        self._turned_away = Counter(
            "peserta_api_turned_away", "Requests answered with a problem", ["problem"], registry=registry
        )
        self._streams = Gauge("peserta_api_streams_open", "Streams of alerts that are open", registry=registry)
        self._streams_ended = Counter(
            "peserta_api_streams_ended", "Streams of alerts that have ended, by why", ["why"], registry=registry
        )
        self._sent = Counter(
            "peserta_api_alerts_sent", "Alerts sent to streams, by status", ["status"], registry=registry
        )
        self._handled = Counter(
            "peserta_api_handlings", "Actions on alerts that were stored, by kind", ["action"], registry=registry
        )
        self._running = Gauge("peserta_api_requests_running", "Requests that are not answered yet", registry=registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the pattern of its path."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def began(self) -> None:
        """Count a request that has begun."""
        self._running.inc()

    def ended(self) -> None:
        """Count a request that was answered or abandoned."""
        self._running.dec()

    def taken(self, taken: Taken) -> None:
        """Count the facts of a body by fate."""
        if taken.published:
            self._facts.labels(ACCEPTED).inc(taken.accepted)
        self.refused(one.reason for one in taken.refused)

    def refused(self, reasons: Iterable[str]) -> None:
        """Count refused facts by reason."""
        for reason in reasons:
            self._facts.labels(reason).inc()

    def stream_began(self) -> None:
        """Count a stream that is open."""
        self._streams.inc()

    def stream_ended(self, why: str) -> None:
        """Count a stream that has ended."""
        self._streams.dec()
        self._streams_ended.labels(why).inc()

    def sent(self, statuses: Iterable[str]) -> None:
        """Count alerts that were sent to a stream."""
        for status in statuses:
            self._sent.labels(status).inc()

    def handled(self, action: str) -> None:
        """Count a stored action."""
        self._handled.labels(action).inc()

    def feed(self, is_current: Callable[[], bool], alerts: Callable[[], int]) -> None:
        """Show how current the alerts are, and how many are in memory, whenever metrics are read."""
        current = Gauge(
            "peserta_api_alerts_current", "1 while the alerts were read from Kafka lately", registry=self.registry
        )
        current.set_function(lambda: float(is_current()))
        held = Gauge("peserta_api_alerts_held", "Alerts in memory", registry=self.registry)
        held.set_function(lambda: float(alerts()))

    def failure(self) -> None:
        """Count a request without a valid key."""
        self._failures.inc()

    def problem(self, name: str) -> None:
        """Count an answer with this problem."""
        self._turned_away.labels(name).inc()
