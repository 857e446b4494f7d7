"""The notifier's Prometheus metrics. Counters start at 0 with each process. A label is a channel, a state or an
outcome, and never anything that identifies a company, a receiver or a person."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.notices import FATES, Notice
from schemas.subscriptions import CHANNELS
from sinks.notices.readiness import NotifierStatus
from sinks.notices.retrying import Answer

SECONDS_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
OK: Final = "ok"
FAILED: Final = "failed"
OUTCOMES: Final = (OK, FAILED)


class NotifierMetrics:
    """See Metrics. `status` is told of each round."""

    def __init__(self, registry: CollectorRegistry, status: NotifierStatus) -> None:
        self._status = status
        self._attempts = Counter(
            "peserta_notifier_attempts_total",
            "Attempts to send a notice, by what came of them.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "peserta_notifier_attempt_seconds",
            "Duration of an attempt, from its begin to the receiver's answer.",
            ["channel"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._ended = Counter(
            "peserta_notifier_notices_total",
            "Notices that have ended, by how.",
            ["channel", "state"],
            registry=registry,
        )
        self._waiting = Gauge(
            "peserta_notifier_waiting_notices",
            "Notices that are still to be sent, those of quiet hours and digests included.",
            registry=registry,
        )
        for channel in CHANNELS:
            for outcome in OUTCOMES:
                self._attempts.labels(channel, outcome)
            for state in FATES:
                self._ended.labels(channel, state)

    def attempted(self, channel: str, answer: Answer, seconds: float) -> None:
        """Count an attempt."""
        self._attempts.labels(channel, OK if answer.ok else FAILED).inc()
        self._seconds.labels(channel).observe(seconds)

    def changed(self, channel: str, notice: Notice) -> None:
        """Count a notice that has ended."""
        if notice.has_ended:
            self._ended.labels(channel, notice.state).inc()

    def round_ended(self, waiting: int) -> None:
        """Record a round."""
        self._waiting.set(waiting)
        self._status.turn()
