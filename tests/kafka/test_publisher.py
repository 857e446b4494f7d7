"""The publisher on a broker that dies: every fact that it reports as acknowledged is in the topic, and no other."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from deploy.embedded.stack import Stack
from peserta.intake import publisher
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher, PublishingStopped
from peserta.operations.kafka_reading import read_to_end
from peserta.operations.topics import make_topics
from peserta.settings import read_settings
from schemas.admission import Refusal
from schemas.codec import InboundCodec
from schemas.fact_json import line_of
from schemas.records import Coordinates
from tests.support.facts import hire

BEFORE: Final = 500
BEHIND: Final = 200
LIMIT_S: Final = 60.0


def test_a_broker_that_dies_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "ACKNOWLEDGED_LIMIT_S", 2.0)
    monkeypatch.setattr(publisher, "STOP_LIMIT_S", 1.0)
    acknowledged: dict[int, Coordinates] = {}
    enough = threading.Event()

    def on_record(number: int, what: Coordinates | Refusal) -> None:
        assert isinstance(what, Coordinates)
        acknowledged[number] = what
        if len(acknowledged) >= BEFORE:
            enough.set()

    with Stack(tmp_path / "stack", clickhouse=False) as stack:
        settings = read_settings(kafka=stack.kafka_address, partitions=2, clock="replay", data_dir=tmp_path)
        asyncio.run(make_topics(settings))

        def lines() -> Iterator[tuple[int, bytes]]:
            for number in range(BEFORE + BEHIND):
                if number == BEFORE:
                    assert enough.wait(LIMIT_S)  # acknowledgements must arrive before the input ends
                    stack.kafka.kill()
                yield number, line_of(hire(f"e{number}", "2025-09-01", worker=f"w{number}")).encode()

        publishing = Publisher(settings.kafka, settings.topics.facts, Door(now=lambda: 0, replay=True))
        with pytest.raises(PublishingStopped, match=f"{BEFORE} were acknowledged"):
            asyncio.run(publishing.publish(lines(), on_record))
        assert sorted(acknowledged) == list(range(BEFORE))

    with Stack(tmp_path / "stack", clickhouse=False) as again:

        async def found() -> dict[int, Coordinates]:
            codec, facts = InboundCodec(), {}
            async for record in read_to_end(again.kafka_address, [settings.topics.facts]):
                fact, _ = codec.decode(record.value)
                at = Coordinates(record.topic, record.partition, record.offset)
                facts[int(fact.event_id.removeprefix("e"))] = at
            return facts

        assert asyncio.run(found()) == acknowledged
