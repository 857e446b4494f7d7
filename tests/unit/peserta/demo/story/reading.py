"""A slow, independent calculation from a story's lines, as a person would do it with a pencil."""

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from peserta.demo.story.companies import COMPANIES
from peserta.demo.story.plan import Archetype

JAKARTA = timezone(timedelta(hours=7))
RANK = {"termination": 0, "hire": 1, "enrollment": 2}

Line = dict[str, Any]


class Standing(NamedTuple):
    """Headcounts of a company at the end of a day."""

    active: int
    covered: int
    app: int

    @property
    def covered_pct(self) -> float:
        return 100 * self.covered / self.active


def read(facts: Iterable[str]) -> list[Line]:
    return [json.loads(line) for line in facts]


def recorded_on(line: Line) -> date:
    return datetime.fromisoformat(line["recorded_at"]).astimezone(JAKARTA).date()


def content(line: Line) -> Line:
    return {key: value for key, value in line.items() if key != "recorded_at"}


def standing(lines: Iterable[Line], company_id: str, on: str) -> Standing:
    """A company's headcounts at the end of the day `on`, as known at the end of the story."""
    own = [line for line in lines if line["company_id"] == company_id]
    void = {line["corrects"] for line in own if line["type"] == "correction"}
    first: dict[str, Line] = {}
    for line in own:
        first.setdefault(line["event_id"], line)
    valid = [f for f in first.values() if f["type"] in RANK and f["event_id"] not in void and f["effective_on"] <= on]
    valid.sort(key=lambda f: (f["effective_on"], f["occurred_at"], RANK[f["type"]], f["event_id"]))
    hired = {(f["worker_id"], f["effective_on"]) for f in valid if f["type"] == "hire"}
    people: dict[str, set[str]] = {}
    for _, facts_of_day in groupby(valid, key=itemgetter("effective_on")):
        yesterday = {worker for worker, person in people.items() if "inside" in person}
        for fact in facts_of_day:
            worker = fact["worker_id"]
            renewed = worker in yesterday and (worker, fact["effective_on"]) in hired
            if not (renewed and fact.get("reason") == "contract_ended"):
                happen(people, fact)
    inside = [programmes for programmes in people.values() if "inside" in programmes]
    covered = [programmes for programmes in inside if programmes >= {"JKK", "JKM"}]
    return Standing(len(inside), len(covered), sum("JMO" in programmes for programmes in inside))


def happen(people: dict[str, set[str]], fact: Line) -> None:
    person = people.setdefault(fact["worker_id"], set())
    if fact["type"] == "hire":
        person.add("inside")
    elif fact["type"] == "termination":
        if "inside" in person:
            person.clear()
    elif fact["action"] == "enrolled":
        person.update(fact["programmes"])
    else:
        person.difference_update(fact["programmes"])


def company_of(archetype: Archetype) -> str:
    return next(company.company_id for company in COMPANIES if company.archetype is archetype)
