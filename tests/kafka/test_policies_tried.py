"""`peserta policies try` on a real Kafka: both lists of alerts, and not one offset that moves."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from peserta.cli.main import app
from peserta.operations.failure import Rejected
from peserta.operations.journal_files import policies_yaml
from peserta.operations.policies_tried import Tried, try_policies
from peserta.settings import Settings, read_settings
from schemas.codec import OutputCodec
from schemas.dates import day_text, jakarta_day
from schemas.kafka.access import KafkaAccess
from schemas.records import Alert, Coordinates, Day, Policy, PolicyEnded, PolicySet, Tick
from schemas.topics import ALERTS, JOURNAL
from tests.support.facts import level
from tests.support.naive_book import NaiveBook
from tests.support.question_books import FIRST, GRACE_DAYS, PARTITIONS, QuestionBook, random_book
from tests.support.sink_records import journal_values
from tests.support.sink_topics import made_topics

SEED: Final = 6
OTHERS: Final = (
    replace(level("A", 3333), min_active=2, effective_from=FIRST + 10),
    replace(level("everybody", 10_000), min_active=1, hold_days=7, effective_from=FIRST - 400),
)
Ends = dict[tuple[str, int], int]


def naive_alerts(book: QuestionBook, policies: tuple[Policy, ...]) -> list[Alert]:
    found: list[Alert] = []
    for partition, journal in enumerate(book.journals):
        naive = NaiveBook(GRACE_DAYS, partition)
        for number, policy in enumerate(policies):
            naive.apply(PolicySet(Coordinates("file", 0, number), -(10**12), policy), 0)
        for offset, each in enumerate(journal):
            is_rule = isinstance(each, PolicySet | PolicyEnded)
            date = Tick(each.came_from, each.recorded_at, jakarta_day(each.recorded_at))
            naive.apply(date if is_rule else each, offset)
        found += naive.alerts
    return found


def counted(alerts: Any) -> Counter[Alert]:
    return Counter(alerts)


async def tried(settings: Settings, ends: list[Ends], topics: Any, period: tuple[Day, Day]) -> dict[str, Any]:
    """What each way of asking says, with the ends of all topics before and after."""
    passed: list[tuple[int, int]] = []
    ends.append(await topics.ends())
    whole = await try_policies(settings, OTHERS, None, None, lambda done, total: passed.append((done, total)))
    some = await try_policies(settings, OTHERS, *period, lambda *_: None)
    nothing = await try_policies(settings, (), None, None, lambda *_: None)
    said = {form: await asyncio.to_thread(run, settings, *form.split()) for form in ("--json", "")}
    ends.append(await topics.ends())
    return {"whole": whole, "some": some, "nothing": nothing, "passed": passed, "said": said}


def run(settings: Settings, *more: str) -> str:
    environment = {name: value for name, value in settings.environment().items() if value}
    file = settings.data_dir / "policies.yaml"
    done = CliRunner().invoke(app, ["policies", "try", str(file), *more], env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


async def test_both_lists_of_alerts_and_nothing_written(kafka_address: str, topic_prefix: str, tmp_path: Path) -> None:
    book, codec, ends = random_book(SEED), OutputCodec(), list[Ends]()
    (tmp_path / "policies.yaml").write_text(policies_yaml(list(OTHERS)), encoding="utf-8")
    raised = [alert for naive in book.books for alert in naive.alerts]
    wanted = naive_alerts(book, OTHERS)
    dates = sorted({alert.business_date for alert in wanted})
    period = first, last = dates[len(dates) // 3], dates[len(dates) // 3 * 2]
    settings = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=PARTITIONS, grace_days=GRACE_DAYS, data_dir=tmp_path
    )
    async with made_topics(KafkaAccess(kafka_address), topic_prefix) as topics:
        for partition, journal in enumerate(book.journals):
            await topics.write(JOURNAL, journal_values(journal), partition=partition)
            alerts = [codec.encode_alert(alert) for alert in book.books[partition].alerts]
            await topics.write(ALERTS, alerts, partition=partition)
        got = await tried(settings, ends, topics, period)
    whole: Tried = got["whole"]

    assert raised and wanted and counted(raised) != counted(wanted)
    assert ends[0] == ends[1] and ends[0]
    assert (counted(whole.raised), counted(whole.tried)) == (counted(raised), counted(wanted))
    for company in {alert.company_id for alert in wanted}:
        mine = [alert for alert in whole.tried if alert.company_id == company]
        assert mine == [alert for alert in wanted if alert.company_id == company]
    within = [[each for each in of if first <= each.business_date <= last] for of in (raised, wanted)]
    assert [counted(got["some"].raised), counted(got["some"].tried)] == [counted(of) for of in within]
    assert (counted(got["nothing"].raised), got["nothing"].tried) == (counted(raised), ())
    assert got["passed"] == sorted(got["passed"]) and got["passed"][-1][0] <= got["passed"][-1][1]

    lines = [json.loads(line) for line in got["said"]["--json"].splitlines()]
    lists = Counter(line["list"] for line in lines if line["kind"] == "alert")
    assert lists == {"raised": len(raised), "tried": len(wanted)}
    assert [line for line in lines if line["kind"] == "company"] == [
        {"kind": "company", **each._asdict()} for each in whole.differences()
    ]
    shown = got["said"][""].splitlines()
    same = sum(each.same for each in whole.differences())
    assert shown[0] == f"{len(raised)} alerts raised, {len(wanted)} under these policies, {same} in both"
    alone = sum(each.only_raised + each.only_tried for each in whole.differences())
    assert sum(line.rstrip().endswith(("only raised", "only tried")) for line in shown) >= alone
    assert sum(day_text(alert.business_date) in line for alert in wanted[:1] for line in shown) > 0


async def test_a_period_backwards_is_refused(kafka_address: str) -> None:
    settings = read_settings(kafka=kafka_address)
    with pytest.raises(Rejected, match="before it begins"):
        await try_policies(settings, (), FIRST, FIRST - 1, lambda *_: None)
