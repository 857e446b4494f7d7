"""Faults that take topics away, each with what an operator does then."""

import asyncio
import os
import subprocess
import sys
from typing import Final

from peserta.cli.exit_codes import ExitCode
from peserta.operations.audit.report import audit_book
from peserta.operations.kafka_reading import end_offsets
from peserta.operations.topics import create_topics
from peserta.settings import Settings
from streams.lane.delivery import DELIVERY_LIMIT_S
from streams.settings import InboundTopic
from tests.chaos.broker_orders import delete_topic
from tests.chaos.scenario import PIECE
from tests.chaos.worker_faults import forget_offsets
from tests.chaos.world import PROGRESS_LIMIT_S, World

COMMAND_LIMIT_S: Final = 120.0
NEXT_INBOUND: Final = "workforce.facts.v2"
JOURNAL_CLAIM: Final = "journal has every entry that the state contains"
NOTICES_ITSELF: Final = 0.3  # it tries for DELIVERY_LIMIT_S before it gives up
LEDGER_CLAIM: Final = "ledger = journal folded again"


def peserta(world: World, *arguments: str, code: int = ExitCode.DONE) -> str:
    """What the command says to the operator; it must end with this code."""
    command = [sys.executable, "-m", "peserta", *arguments]
    environment = {**os.environ, **world.settings.environment()}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def state_lost(world: World) -> None:
    """The changelog is gone: the book-keeper refuses to run, and says how to go on. Facts come meanwhile."""
    with world.feeding(PIECE):
        world.service.leave("bookkeeper")
        delete_topic(world.settings.kafka, world.settings.stream_settings().changelog)
        peserta(world, "topics", "create")
        world.service.start("bookkeeper")
        world.wait_until_it_refuses("bookkeeper", "`peserta rebuild --state`")
        peserta(world, "rebuild", "--state")
        world.service.start("bookkeeper")


def output_deleted(world: World) -> None:
    """A topic that can be made again is gone, and is: the book is folded into the next generation, while facts come.
    The sink refuses to take a topic made anew for the old one, or moves over."""
    topics = world.settings.topics
    topic = world.rng.choice((topics.ledger, topics.alerts, topics.snapshots, topics.dead_letters))
    if topic == topics.dead_letters:
        _lose_letters(world)
    else:
        _lose_output(world, topic)
    _fold_again(world)


def _lose_output(world: World, topic: str) -> None:
    """The book-keeper stops and says which."""
    topics = world.settings.topics
    world.run.wait()
    delete_topic(world.settings.kafka, topic)
    if topic == topics.alerts:  # a batch need not have any: then nobody notices before the next start
        world.service.again("bookkeeper")
    else:
        world.feed_until_ended("bookkeeper")
        world.service.start("bookkeeper")
    world.wait_until_it_refuses("bookkeeper", topic)


def _lose_letters(world: World) -> None:
    """The recorder's are gone, and the first generation's of the book with them: the recorder stops and says so. It
    reads its topics again."""
    letters = world.settings.topics.dead_letters
    world.feed_poison(PIECE)
    world.run.wait()
    delete_topic(world.settings.kafka, letters)
    world.feed_poison(PIECE)
    if world.rng.random() < NOTICES_ITSELF:
        world.wait_until_ended("recorder", DELIVERY_LIMIT_S + PROGRESS_LIMIT_S)
        world.service.start("recorder")
    else:
        world.service.again("recorder")
    world.wait_until_it_refuses("recorder", letters)
    peserta(world, "topics", "create")
    forget_offsets(world.settings)
    world.service.start("recorder")


def _fold_again(world: World) -> None:
    """`peserta rebuild`, and the workers move over. The book-keeper may be down; facts come all the same."""
    ended = ("bookkeeper", "sink")
    with world.telling(PIECE):
        assert "Generation 2 is current" in peserta(world, "rebuild")
        for role in ended:
            world.wait_until_ended(role)
        world.moves_to(world.settings.of_generation(2))
        world.service.start(*ended)


def inbound_deleted(world: World) -> None:
    """The topics of facts, registry and policies are gone: the recorder stops. Facts come to another topic; registry
    and policies go on in new ones, behind the offsets that the book has seen."""
    world.feed(PIECE)
    world.wait_until_kept()
    settings, topics = world.settings, world.settings.topics
    (facts,) = settings.stream_settings().inbound_names
    reference = [topics.companies, topics.policies]
    before = asyncio.run(end_offsets(settings.kafka, reference))
    for topic in (facts, *reference):
        delete_topic(settings.kafka, topic)
    world.service.again("recorder")
    world.wait_until_it_refuses("recorder", facts)
    assert "would be passed over" in peserta(world, "topics", "create", code=ExitCode.WRONG_SETTINGS)
    world.without_topic = set(world.run.sent.lines)
    world.moves_to(settings.model_copy(update={"inbound_topics": (InboundTopic(NEXT_INBOUND),)}))
    peserta(world, "topics", "create")
    after = asyncio.run(end_offsets(settings.kafka, reference))
    assert all(after[at] >= end for at, end in before.items()), (before, after)
    world.service.start("recorder")
    asyncio.run(world.run.tell_rules())
    world.feed(PIECE)


def journal_deleted(world: World) -> None:
    """The journal is gone, which nothing can make again: nobody works on, nothing makes an empty one, and if somebody
    does by hand, the audit says that all of it is missing. This is the judgement."""
    world.run.wait()
    settings, topic = world.settings, world.settings.topics.journal
    delete_topic(settings.kafka, topic)
    for role in ("recorder", "bookkeeper"):
        world.service.again(role)
        world.wait_until_it_refuses(role, topic)
    for command in ("topics", "create"), ("rebuild",), ("rebuild", "--state"):
        assert "cannot be made again" in peserta(world, *command, code=ExitCode.WRONG_SETTINGS)
    asyncio.run(create_topics(settings.kafka, prefix=settings.topic_prefix, partitions=settings.partitions))
    world.service.start("bookkeeper")
    world.wait_until_it_refuses("bookkeeper", "it was truncated or recreated")
    _audit_names_it(settings)


def _audit_names_it(settings: Settings) -> None:
    """Every partition's journal as missing, and every ledger record as one that nothing accounts for."""
    report = asyncio.run(audit_book(settings, lambda _: None))
    for kept in report.kept:
        wrong = {finding.claim: finding for finding in kept.findings if not finding.holds}
        assert wrong[JOURNAL_CLAIM].named == [f"missing: offsets 0 to {kept.journal_next - 1}"], wrong
        assert wrong[LEDGER_CLAIM].extra == len(kept.ledger) > 0, wrong
