"""The rights of each role follow from the installation's names, and are exactly those that the role uses."""

import pytest

from peserta.operations.access_rights import ROLES, Operation, Pattern, Resource, Right, rights_of
from peserta.operations.topic_table import topic_table
from peserta.settings import Settings, read_settings
from sinks.clickhouse.topics import topics as carried
from streams.settings import InboundTopic


@pytest.fixture
def settings() -> Settings:
    return read_settings(topic_prefix="id.", inbound_topics=(InboundTopic("hr"), InboundTopic("agency")))


def allowed(role: str, settings: Settings, operation: Operation, resource: Resource = Resource.TOPIC) -> set[str]:
    return {
        right.name for right in rights_of(role, settings) if (right.operation, right.resource) == (operation, resource)
    }


@pytest.mark.parametrize("clock", ["wall", "replay"])
@pytest.mark.parametrize("generation", [1, 3])
def test_every_topic_of_the_table_has_a_writer_and_a_right_is_to_a_topic_of_the_table(
    clock: str, generation: int
) -> None:
    settings = read_settings(topic_prefix="id.", clock=clock).of_generation(generation)
    inbound = [topic.name for topic in settings.inbound_topics]
    table = topic_table(prefix="id.", inbound=inbound, history=clock == "replay", generation=generation)
    names = {topic.name for topic in table}
    rights = [right for role in ROLES for right in rights_of(role, settings) if right.resource is Resource.TOPIC]
    topics = settings.topics
    by_an_operator = {topics.companies, topics.policies, topics.generations, topics.keys}
    assert {right.name for right in rights} == names
    assert {right.name for right in rights if right.operation is Operation.WRITE} == names - by_an_operator


def test_a_publisher_writes_facts_and_reads_nothing(settings: Settings) -> None:
    assert rights_of("publisher", settings) == [
        Right(Resource.TOPIC, "id.hr", Operation.WRITE),
        Right(Resource.TOPIC, "id.agency", Operation.WRITE),
    ]


def test_only_the_recorder_writes_the_journal_and_only_the_book_keeper_the_ledger(settings: Settings) -> None:
    topics = settings.topics
    writers = {role: allowed(role, settings, Operation.WRITE) for role in ROLES}
    assert [role for role, names in writers.items() if topics.journal in names] == ["recorder"]
    assert [role for role, names in writers.items() if topics.ledger in names] == ["book-keeper"]
    assert not writers["sink"] | writers["reader"]


@pytest.mark.parametrize("generation", [1, 3])
def test_the_sink_reads_what_it_copies_and_which_generation_is_current(settings: Settings, generation: int) -> None:
    later = settings.of_generation(generation)
    copied = set(carried(later.topics))
    assert {later.topics.notices, later.topics.handling} < copied
    assert allowed("sink", later, Operation.READ) == copied | {later.topics.generations}


def test_only_the_notifier_writes_notices_and_only_an_officer_what_people_decide(settings: Settings) -> None:
    topics = settings.topics
    writers = {role: allowed(role, settings, Operation.WRITE) for role in ROLES}
    assert [role for role, names in writers.items() if topics.notices in names] == ["notifier"]
    assert writers["officer"] == {topics.subscriptions, topics.notice_orders, topics.handling}
    by_hand = {role: names & writers["officer"] for role, names in writers.items() if names & writers["officer"]}
    assert by_hand == {"officer": writers["officer"], "http-door": {topics.handling}}  # the door, for officers
    notifiers = [right for right in rights_of("notifier", settings) if right.resource is not Resource.TOPIC]
    assert notifiers == [
        Right(Resource.GROUP, "id.peserta-notifier", Operation.READ),
        Right(Resource.TRANSACTIONAL_ID, "id.peserta-notifier", Operation.WRITE, Pattern.PREFIXED),
    ]


def test_facts_are_read_by_the_recorder_alone(settings: Settings) -> None:
    assert [role for role in ROLES if "id.hr" in allowed(role, settings, Operation.READ)] == ["recorder"]


def test_a_book_keeper_has_its_group_and_the_transactional_ids_of_its_partitions(settings: Settings) -> None:
    later = settings.of_generation(2)
    of_keeper = [right for right in rights_of("book-keeper", later) if right.resource is not Resource.TOPIC]
    assert of_keeper == [
        Right(Resource.GROUP, "id.peserta-bookkeeper.g2", Operation.READ),
        Right(Resource.TRANSACTIONAL_ID, "id.peserta-bookkeeper.g2-", Operation.WRITE, Pattern.PREFIXED),
    ]


def test_a_right_is_a_line_for_kafkas_own_tool() -> None:
    right = Right(Resource.TRANSACTIONAL_ID, "keeper-", Operation.DESCRIBE_CONFIGS, Pattern.PREFIXED)
    assert right.command("one:9092", "User:keeper") == (
        "kafka-acls.sh --bootstrap-server one:9092 --command-config admin.properties --add --allow-principal "
        "User:keeper --operation DescribeConfigs --transactional-id keeper- --resource-pattern-type prefixed"
    )
