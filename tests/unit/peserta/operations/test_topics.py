"""The table of topics: which are retained for ever, which are compacted, and which expire."""

import pytest

from peserta.operations.topic_table import DAY_MS, topic_table
from schemas.topics import TopicNames

KEPT = {
    "workforce.facts.v1": ("delete", 30 * DAY_MS),
    "coverage.companies.v1": ("compact", -1),
    "coverage.policies.v1": ("compact", -1),
    "coverage.journal.v1": ("delete", -1),
    "coverage.ledger.v1": ("delete", -1),
    "coverage.snapshots.v1": ("compact", -1),
    "coverage.alerts.v1": ("delete", -1),
    "workforce.dead-letters.v1": ("delete", 90 * DAY_MS),
    "coverage.generations.v1": ("compact", -1),
    "coverage.clock.v1": ("delete", DAY_MS),
    "peserta.token-keys.v1": ("delete", -1),
    "peserta.keys.v1": ("compact", -1),
    "peserta.subscriptions.v1": ("compact", -1),
    "peserta.notices.v1": ("compact", -1),
    "peserta.notice-orders.v1": ("compact", -1),
    "peserta.alert-handling.v1": ("compact", -1),
    "peserta-bookkeeper-book-changelog": ("compact", -1),
}


def test_what_is_kept() -> None:
    assert {topic.name: (topic.cleanup, topic.retention_ms) for topic in topic_table()} == KEPT


def test_a_later_generation_has_its_own_names_for_what_the_book_keeper_writes_and_no_others() -> None:
    first, second = ({topic.name for topic in topic_table(generation=number)} for number in (1, 2))
    assert second - first == {
        "coverage.ledger.v1.g2",
        "coverage.snapshots.v1.g2",
        "coverage.alerts.v1.g2",
        "workforce.dead-letters.v1.g2",
        "peserta-bookkeeper.g2-book-changelog",
    }
    assert first - second == {
        "coverage.ledger.v1",
        "coverage.snapshots.v1",
        "coverage.alerts.v1",
        "peserta-bookkeeper-book-changelog",
    }


@pytest.mark.parametrize("generation", [1, 2])
def test_everybody_calls_the_topics_by_the_names_in_the_table(generation: int) -> None:
    names = TopicNames("p.", generation)
    called = [getattr(names, name) for name, of in vars(TopicNames).items() if isinstance(of, property)]
    assert set(called) <= {topic.name for topic in topic_table(prefix="p.", generation=generation)}
    assert len(called) == 17


def test_a_history_keeps_its_old_records_everywhere() -> None:
    assert {topic.retention_ms for topic in topic_table(history=True)} == {-1}


def test_further_inbound_topics_are_kept_as_the_first() -> None:
    table = {topic.name: topic for topic in topic_table(inbound=["a", "b"], prefix="p.")}
    assert table["p.a"].settings(1) == table["p.b"].settings(1)
    assert "p.peserta-bookkeeper-book-changelog" in table
    assert "p.workforce.facts.v1" not in table


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_one_of_three_brokers_may_be_missing(replication: int, in_sync: str) -> None:
    assert {topic.settings(replication)["min.insync.replicas"] for topic in topic_table()} == {in_sync}


def test_a_replica_that_lacks_records_never_leads() -> None:
    assert {topic.settings(3)["unclean.leader.election.enable"] for topic in topic_table()} == {"false"}
