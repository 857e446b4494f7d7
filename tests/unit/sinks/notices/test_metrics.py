"""What the notifier reports about itself: attempts, fates, what waits, and whether it works."""

from dataclasses import replace

from prometheus_client import CollectorRegistry

from schemas.notices import DELIVERED, GIVEN_UP, PENDING
from sinks.notices.metrics import NotifierMetrics
from sinks.notices.readiness import ROUND_LIMIT_S, NotifierStatus, Waiting
from sinks.notices.retrying import Answer
from tests.support.notices import notice_of


def test_attempts_and_fates_are_counted_by_channel_and_a_notice_that_goes_on_is_none() -> None:
    registry = CollectorRegistry()
    metrics = NotifierMetrics(registry, NotifierStatus())
    metrics.attempted("webhook", Answer(True, "200"), 0.2)
    metrics.attempted("webhook", Answer(False, "500"), 0.3)
    notice = notice_of()
    metrics.changed("webhook", notice)
    metrics.changed("webhook", notice.ended(DELIVERED, "200", 1))
    metrics.changed("email", replace(notice, notice_id="hook/other").ended(GIVEN_UP, "500", 1))
    metrics.round_ended(7)

    def counted(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"peserta_notifier_{name}", labels)

    attempts = [counted("attempts_total", channel="webhook", outcome=one) for one in ("ok", "failed")]
    assert attempts == [1, 1]
    assert counted("attempt_seconds_count", channel="webhook") == 2
    ended = [counted("notices_total", channel=one, state=DELIVERED) for one in ("webhook", "email")]
    assert ended == [1, 0]
    assert counted("notices_total", channel="email", state=GIVEN_UP) == 1
    assert counted("notices_total", channel="webhook", state=PENDING) is None
    assert counted("waiting_notices") == 7


def test_a_notifier_is_ready_after_a_round_and_not_when_none_ends() -> None:
    now_s = 100.0
    status = NotifierStatus(lambda: now_s)
    assert status.waits_for() == (Waiting.BEGIN,)
    NotifierMetrics(CollectorRegistry(), status).round_ended(0)
    assert status.waits_for() == ()
    now_s += ROUND_LIMIT_S + 1
    assert status.waits_for() == (Waiting.ROUND,)
