"""No number of a person that comes to any door of the service is in anything that the service says or keeps.

NIK (16 digits) and KPJ (11) are planted in every field of every door. Then everything is searched for them: what
commands and the HTTP door answered, annotated copies, logs, metrics, files, every record of every topic, and every
column of every table in ClickHouse. What the contract keeps (SEMANTICS 1, 2): the content of an accepted fact where
facts are kept, and of a refused record that came by Kafka its original bytes in the dead letter, unless the reason is
`national_id`.
"""

import asyncio
import io
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
import httpx2
import openpyxl
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]

from deploy.embedded.stack import Stack
from peserta.cli.main import main
from peserta.intake.publishing.following import BOOK_REASONS
from peserta.intake.reference_files import read_companies, read_policies
from peserta.intake.sheets.table_files import open_table
from peserta.intake.tokens import make_key
from peserta.operations.failure import Rejected
from peserta.operations.health.place import places_of
from peserta.operations.kafka_reading import wait_until_worked
from peserta.operations.service import Service
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.codec import InboundCodec, OutputCodec
from schemas.fact_json import line_of
from schemas.kafka.client import client_options
from schemas.records import Fact
from tests.support.facts import hire, noon
from tests.support.http_process import HttpProcess, made_key
from tests.support.installation import installation
from tests.support.personal_numbers import FACTS, FREE, Plants, cells, event, lines, media, variants, wrong_files
from tests.support.sheets import by_xlsxwriter, csv_file
from tests.support.waiting import wait_until

ROLES: Final = ("recorder", "bookkeeper", "sink", "api")
LIMIT_S: Final = 60.0


@dataclass
class Place:
    """An installation with its workers and a process of the HTTP door."""

    settings: Settings
    service: Service
    door: HttpProcess
    folder: Path
    plants: Plants = field(default_factory=Plants)
    leaks: set[str] = field(default_factory=set)

    def heard(self, name: str, *texts: str | bytes, is_content: bool = False) -> None:
        """Search what was said."""
        self.leaks |= self.plants.leaks(name, texts, is_content=is_content)


@pytest.fixture
def place(stack: Stack, tmp_path: Path) -> Iterator[Place]:
    name = f"t{uuid.uuid4().hex[:10]}"
    settings = installation(stack.kafka_address, stack.clickhouse_url, f"{name}.", name, tmp_path / "data")
    asyncio.run(make_topics(settings))
    with (
        Service(settings, tmp_path / "data" / "logs") as service,
        HttpProcess(settings, tmp_path / "data" / "logs" / "api.log") as door,
    ):
        service.start()
        yield Place(settings, service, door, tmp_path)


@contextmanager
def standard_input(path: Path, given: bytes) -> Iterator[None]:
    """Have file descriptor 0 be these bytes while inside the context."""
    path.write_bytes(given)
    before, file = os.dup(0), os.open(path, os.O_RDONLY)
    os.dup2(file, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(file)


Command = Callable[..., int]


@pytest.fixture
def command(place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process and searches what it says; returns its exit code."""
    for name, value in place.settings.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PESERTA_TOKEN_KEY_FILE", str(place.folder / "key"))

    def run(*arguments: object, given: bytes = b"", prints_content: bool = False) -> int:
        monkeypatch.setattr(sys, "argv", ["peserta", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended, standard_input(place.folder / "stdin", given):
            main()
        out, err = capfd.readouterr()
        name = " ".join(map(str, arguments[:2]))
        place.heard(f"the output of peserta {name}", out, is_content=prints_content)
        place.heard(f"standard error of peserta {name}", err)
        assert "Traceback" not in err, err
        return int(ended.value.code or 0)

    return run


# ---------------------------------------------------------------- facts with numbers in them


def through_publish(place: Place, command: Command) -> None:
    plants = place.plants
    broken = "".join(f'{{"worker_id":"{number}"\n{number}\n' for number in plants.both("publish", "a broken line"))
    given = lines(variants(plants, "publish", "1")) + broken.encode()
    # The second fact of this id is refused by the book.
    twice = plants.nik("publish", "the event_id of a conflict", is_content=True)
    first = json.loads(line_of(hire(twice, "2025-09-01", worker="c"))) | {"source": f"hris {twice}"}
    given += lines(iter((first, first | {"employment_type": "daily"})))
    assert command("publish", "-", "--json", "--dry-run", given=given) == 1
    assert command("publish", "-", given=given) == 1
    assert command("publish", "-", "--json", "--no-wait", given=given) == 1


def through_http(place: Place, command: Command) -> None:
    plants, post = place.plants, "/v1/facts"
    _, secret = asyncio.run(made_key(place.settings))
    with place.door.client(secret) as client:
        wait_until(lambda: client.post(post, content=b"", headers=media("x-ndjson")).status_code == 200)
        said = [client.post(post, content=lines(variants(plants, "http", "lines")), headers=media("x-ndjson"))]
        said.append(client.post(post, json=list(variants(plants, "http", "array")), params={"all_or_nothing": "false"}))
        events = [event(fact) for fact in variants(plants, "http", "events")]
        for name in ("id", "source", "type", "specversion"):
            events.append(event(json.loads(line_of(FACTS[0]))) | {name: plants.nik("http", f"{name} of an event")})
        said.append(client.post(post, content=json.dumps(events), headers=media("cloudevents-batch+json")))
        said += [client.post(post, json=fact) for fact in list(variants(plants, "http", "object"))[::7]]
        said += [client.post(post, json=one, headers=media("cloudevents+json")) for one in events[::9]]
        whole = json.loads(line_of(FACTS[0]))
        for name in ("ce-id", "ce-source", "ce-type", "ce-specversion", "Content-Type", "X-Other", "Authorization"):
            number = plants.nik("http", f"the header {name}")
            ce = {"ce-id": "e", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"} | media("json")
            said.append(client.post(post, json=whole | {"company_id": "E 1"}, headers=ce | {name: number}))
        number = plants.nik("http", "the query")
        said += [client.post(post, json=whole, params={"all_or_nothing": number}), client.post(post + "?" + number)]
        said += [
            client.post(post, content=b'{"a":' + number.encode(), headers=media("json")),
            client.put(post + number),
        ]
        # What became of facts with such ids, some of which were accepted, and of none.
        for company, event_id in (
            ("C1", number),
            (number, "e1"),
            (number, number),
            ("a b", number),
            ("C1", f"{number} "),
        ):
            said.append(client.get(f"/v1/facts/{company}/{event_id}"))
        said += [client.get(f"/{number}"), client.get("/docs"), client.get("/openapi.json")]
    place.heard("an answer of the HTTP door", *(f"{answer.headers}{answer.text}" for answer in said))
    assert {200, 400, 401, 404, 415} <= {answer.status_code for answer in said}


def through_kafka(place: Place, command: Command) -> None:
    asyncio.run(_past_the_doors(place))


async def _past_the_doors(place: Place) -> None:
    """Records as any Kafka client can write them."""
    plants, topics, codec = place.plants, place.settings.topics, InboundCodec()
    async with AIOKafkaProducer(**client_options(place.settings.kafka)) as producer:

        async def send(topic: str, value: bytes | None, key: bytes | None = b"K1") -> None:
            header = plants.nik("kafka", "a header of a record").encode()
            at = noon("2025-09-01")
            await producer.send(topic, value, key, timestamp_ms=at, headers=[(header.decode(), header)])

        for number, each in enumerate(FACTS):
            fact = each._replace(company_id="K1", event_id=f"kafka{number}", worker_id=f"k{number}")
            for name in ("event_id", "company_id", "worker_id", "source", "corrects"):
                content = name in FREE and (name != "corrects" or bool(fact.corrects))
                for one in _planted(fact, name, plants, f"{name} of a fact", is_content=content):
                    await send(topics.facts, codec.encode(one), one.company_id.encode())
                for one in _planted(fact, name, plants, f"{name} of a fact with another key"):
                    await send(topics.facts, codec.encode(one), b"other")
                for one in _planted(fact, name, plants, f"{name} of a fact that is too late"):
                    late = one._replace(effective_on=one.effective_on + 1_000)
                    await send(topics.facts, codec.encode(late), late.company_id.encode())
        for topic in (topics.facts, topics.companies, topics.policies):
            for text in plants.both("kafka", "bytes"):
                for value in (text.encode(), b"\0\0\0\0\1" + text.encode(), b"\0\0\0\0\x63" + text.encode()):
                    await send(topic, value)
                await send(topic, b"\0\0\0\0\1", text.encode())
                await send(topic, text.encode() * 2_000)
        await producer.flush()


def _planted(fact: Fact, name: str, plants: Plants, where: str, *, is_content: bool = False) -> Iterator[Fact]:
    for number in plants.both("kafka", where, is_content=is_content):
        yield fact._replace(**{name: number})  # type: ignore[arg-type]


# ---------------------------------------------------------------- sheets, keys, tokens, reference data


def through_import(place: Place, command: Command) -> None:
    plants, out = place.plants, place.folder / "annotated.xlsx"
    good = {
        "NIK": plants.nik("import", "the person"), "NPP": "I1", "Jenis": "masuk", "Tanggal": "2025-10-01",
        "Status Kerja": "PKWT", "event_id": "", "source": "hris", "corrects": "", "occurred_at": "", "action": "",
        "reason": "", "JKK": "", "programmes": "",
    }  # fmt: skip
    sheet = workbook(place, "import", good)
    annotated = ("--annotated", out, "--language", "id", "--without-refused")
    assert command("import", sheet, *annotated, "--apply") == 0
    place.heard("the annotated copy", *map(repr, added(out)))
    assert command("import", sheet) == 1
    assert command("import", csv_file(place.folder, cells(plants, "import", good)), "--json", "--without-refused") == 0
    for name in ("--company", "--source", "--sheet"):
        assert command("import", sheet, name, plants.nik("import", f"the option {name}"), "--apply") in (1, 2)
    mapping = place.folder / "mapping.yaml"
    for section in ("fields: {person: %s}", "values: {type: {%s: x}}", "constants: {source: '%s'}", "%s: 1", "x: {%s"):
        mapping.write_text(section % plants.nik("import", f"a mapping with {section}"), encoding="utf-8")
        assert command("import", sheet, "--mapping", mapping) in (1, 2)


def workbook(place: Place, door: str, row: dict[str, Any]) -> Path:
    """The cells in a sheet that has a number for its name."""
    path = by_xlsxwriter(place.folder, cells(place.plants, door, row))
    book = openpyxl.load_workbook(path)
    book.worksheets[0].title = place.plants.nik(door, "the sheet's name")
    book.save(path)
    return path


def added(path: Path) -> list[Any]:
    """The cells of the two columns that Peserta adds."""
    rows = open_table(path).rows
    width = max(map(len, rows))
    return [row[width - 2 :] for row in rows if len(row) > width - 2]


def through_roster(place: Place, command: Command) -> None:
    plants, of = place.plants, ("--as-of", "2025-10-31", "--without-refused", "--language", "id")
    for person, good in (("worker_id", "r1"), ("NIK", plants.nik("roster", "the person"))):
        row = {person: good, "Status Kerja": "tetap", "JKK": "Y", "started_on": "2025-10-01"}
        sheet = workbook(place, "roster", row)
        assert command("roster", sheet, "--company", f"R{person}", *of, "--apply") == 0
        assert command("roster", sheet, "--company", f"R{person}", *of, "--json", "--source", "x") == 0
    for name in ("--company", "--source", "--sheet"):
        more = {"--company": "R1", name: plants.nik("roster", f"the option {name}")}
        assert command("roster", sheet, *(each for pair in more.items() for each in pair), *of, "--apply") == 2


def through_tokens(place: Place, command: Command) -> None:
    plants = place.plants
    for kind in ("nik", "kpj", "employee"):
        given = [f"{shape}\n{shape}1\nx{shape}\n" for shape in plants.both("token make", f"a line of {kind}")]
        company = ("--company", plants.nik("token make", "the company")) if kind == "employee" else ()
        command("token", "make", "--of", kind, *company, given="".join(given).encode())


def through_keys(place: Place, command: Command) -> None:
    for name in ("NAME", "--role", "--company", "--type", "--source", "--days"):
        for number in place.plants.both("keys", f"{name} of a new key"):
            options = {"--role": "publisher"} | ({} if name == "NAME" else {name: number})
            named = number if name == "NAME" else "hris"
            assert command("keys", "create", named, *(each for pair in options.items() for each in pair)) == 2
    for action in ("expire", "revoke"):
        assert command("keys", action, place.plants.nik("keys", f"a key to {action}")) == 2
    assert command("keys", "list") == 0


POLICY: Final = {"policy_id": "p1", "threshold_bp": 5000, "effective_from": "2025-01-01", "min_active": 1}
COMPANY: Final = {"company_id": "C1", "name": "PT Satu", "regency": "3320", "kbli": "15202"}


def through_reference_files(place: Place, command: Command) -> None:
    plants = place.plants
    for name, good, read in (("policies", POLICY, read_policies), ("companies", COMPANY, read_companies)):
        path = place.folder / f"{name}.yaml"
        for text in wrong_files(plants, name, good):
            path.write_text(text, encoding="utf-8")
            try:
                read(path)
            except Rejected as error:
                place.heard(f"the refusal of a file of {name}", str(error))
        text = json.dumps([good | {"contacts": 1, plants.nik(name, "the name of a field"): 1}])
        path.write_text(text, encoding="utf-8")
        assert command(name, "apply", path, "--recorded-at", "2025-09-01T00:00:00Z") == 2
        title = {"policies": "title", "companies": "name"}[name]
        words = f"x {plants.nik(name, f'the {title} of an entry', is_content=True)}"
        path.write_text(json.dumps([good | {title: words}]), encoding="utf-8")
        assert command(name, "apply", path, "--recorded-at", "2025-09-01T00:00:00Z") == 0
    assert command("policies", "end", plants.nik("policies", "a policy to end")) == 2


# ---------------------------------------------------------------- the search

DOORS: Final = (
    through_publish, through_import, through_roster, through_http, through_tokens, through_keys,
    through_reference_files, through_kafka,
)  # fmt: skip


@pytest.mark.timeout(240)
def test_no_number_of_a_person_is_said_or_kept_whatever_door_it_came_to(place: Place, command: Command) -> None:
    make_key(place.folder / "key")
    for door in DOORS:
        door(place, command)
    everything_is_worked(place, command)
    asyncio.run(search_topics(place))
    search_clickhouse(place)
    search_processes(place)
    assert sorted(place.leaks) == []
    assert {plant.door for plant in place.plants.made.values()} == {
        "publish", "import", "roster", "http", "token make", "keys", "policies", "companies", "kafka",
    }  # fmt: skip


def everything_is_worked(place: Place, command: Command) -> None:
    """Wait until recorder, book-keeper and sink have processed everything."""
    settings, topics, streams = place.settings, place.settings.topics, place.settings.stream_settings()
    inbound = [topics.facts, topics.companies, topics.policies]
    asyncio.run(wait_until_worked(settings.kafka, streams.recorder_app, inbound, LIMIT_S))
    # Of several companies, at least one in each partition: the ledger then has all entries before.
    last = [hire(f"last{n}", "2025-09-01", worker="last", company=f"last{n}") for n in range(8)]
    assert command("publish", "-", given="".join(f"{line_of(fact)}\n" for fact in last).encode()) == 0
    letters = asyncio.run(all_records(settings, topics.dead_letters))
    places = {(record.key, _is_of_book(record)) for record in letters}

    def has_all() -> bool:
        place.service.check()
        posted = counted(settings, "SELECT count() FROM ledger_entries FINAL WHERE startsWith(event_id, 'last')")
        return posted == len(last) and counted(settings, LETTERS) == len(places)

    wait_until(has_all, LIMIT_S)


LETTERS: Final = "SELECT count() FROM dead_letter_records FINAL"


def _is_of_book(record: Any) -> bool:
    return OutputCodec().decode_dead_letter(record.value).reason in BOOK_REASONS


def counted(settings: Settings, query: str) -> int:
    with clickhouse(settings) as client:
        return int(client.query(query).result_rows[0][0])


def clickhouse(settings: Settings) -> Any:
    options = settings.sink_settings().clickhouse_options
    return clickhouse_connect.get_client(**options, database=settings.clickhouse_database)


async def all_records(settings: Settings, *names: str) -> list[Any]:
    """Every record of these topics, of aborted transactions too."""
    found = []
    reading = {"enable_auto_commit": False, "isolation_level": "read_uncommitted", "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(*names, **client_options(settings.kafka), **reading) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
    return found


async def search_topics(place: Place) -> None:
    """Search key, value and headers of every record. Inbound topics hold what the outside world wrote there."""
    settings, topics, codec = place.settings, place.settings.topics, OutputCodec()
    async with AIOKafkaConsumer(**client_options(settings.kafka)) as consumer:
        names = [name for name in await consumer.topics() if name.startswith(settings.topic_prefix)]
    assert {topics.facts, topics.journal, topics.ledger, topics.keys, topics.token_keys} < set(names)
    inbound = {topics.facts, topics.companies, topics.policies}
    for record in await all_records(settings, *names):
        where = f"the topic {record.topic.removeprefix(settings.topic_prefix)}"
        headers = [part for name, value in record.headers for part in (name, value or b"")]
        if record.topic == topics.dead_letters:
            letter = codec.decode_dead_letter(record.value)
            if letter.reason == "national_id":
                place.heard(where, record.value)
            place.heard(where, repr(replace(letter, key=None, value=None)), record.key, *headers)
            continue
        texts = [record.key or b"", record.value or b"", *headers]
        if record.topic in inbound:
            texts = [text for text in texts if {each.door for each in place.plants.found_in(text)} != {"kafka"}]
        place.heard(where, *texts, is_content=True)


def search_clickhouse(place: Place) -> None:
    with clickhouse(place.settings) as client:
        query = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'"
        names = [name for (name,) in client.query(query).result_rows]
        assert {"journal_facts", "dead_letter_records", "notice_records", "handling_records"} < set(names)
        for name in names:
            text = client.raw_query(f"SELECT * FROM {name} FORMAT TSV")
            place.heard(f"the table {name}", text, is_content=name != "dead_letter_records")


def search_processes(place: Place) -> None:
    """Search metrics, logs and every other file of the installation."""
    for role in ROLES:
        (worker,) = places_of(place.settings.data_dir, role)
        place.heard(f"the metrics of the {role}", httpx2.get(f"{worker.url}/metrics", trust_env=False).text)
    files = [path for path in place.settings.data_dir.rglob("*") if path.is_file()]
    assert {f"{role}.log" for role in ROLES} <= {path.name for path in files}
    for path in files:
        place.heard(f"the file {path.name}", path.read_bytes())
