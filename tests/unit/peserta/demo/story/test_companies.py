"""Each company behaves like its archetype. Registry and policies fit the story."""

import re
from datetime import date

import pytest
import yaml

from peserta.demo.story import Story, story
from peserta.demo.story.companies import COMPANIES
from peserta.demo.story.plan import Archetype, Company
from tests.unit.peserta.demo.story.reading import Line, Standing, company_of, read, standing

# Each company's name contains one of these words for "example", "invented" or "imaginary".
INVENTED_WORDS = ("Contoh", "Rekaan", "Karangan", "Fiktif", "Khayalan", "Umpama")

BASELINE, END = "2025-09-11", "2025-12-31"


def test_every_archetype_has_a_company() -> None:
    assert {company.archetype for company in COMPANIES} == set(Archetype)


def rise(lines: list[Line], company_id: str) -> float:
    return standing(lines, company_id, END).covered_pct - standing(lines, company_id, BASELINE).covered_pct


@pytest.mark.parametrize("company", [c for c in COMPANIES if c.archetype is Archetype.KEEPER], ids=lambda c: c.name)
def test_a_keeper_rises_by_more_than_twenty_points(company: Company, lines: list[Line]) -> None:
    assert rise(lines, company.company_id) > 22


@pytest.mark.parametrize("company", [c for c in COMPANIES if c.archetype is Archetype.LAGGARD], ids=lambda c: c.name)
def test_a_laggard_does_not(company: Company, lines: list[Line]) -> None:
    assert rise(lines, company.company_id) < 18


def test_the_seasonal_company_falls_in_a_wave_and_recovers(lines: list[Line]) -> None:
    company_id = company_of(Archetype.SEASONAL)
    before, wave, after = (standing(lines, company_id, on) for on in ("2025-07-05", "2025-07-28", "2025-09-05"))
    assert wave.active > 1.8 * before.active
    assert wave.covered_pct < 55 < 80 < min(before.covered_pct, after.covered_pct)


def test_the_dropper_falls_in_august(lines: list[Line]) -> None:
    company_id = company_of(Archetype.DROPPER)
    july, september = (standing(lines, company_id, on) for on in ("2025-07-31", "2025-08-31"))
    assert july.covered_pct - september.covered_pct > 25


def test_the_shedder_rises_by_losing_people(lines: list[Line]) -> None:
    company_id = company_of(Archetype.SHEDDER)
    before, after = standing(lines, company_id, BASELINE), standing(lines, company_id, END)
    assert after.covered_pct - before.covered_pct > 20
    assert after.covered <= before.covered


def test_the_small_company_has_three_people_until_its_hall_opens(lines: list[Line]) -> None:
    company_id = company_of(Archetype.SMALL)
    assert standing(lines, company_id, "2025-04-01").active < 5
    assert standing(lines, company_id, END).active > 50


def test_the_small_company_stays_small_at_every_scale(lines: list[Line]) -> None:
    company_id = company_of(Archetype.SMALL)
    assert standing(read(story(scale=2.0).facts), company_id, END) == standing(lines, company_id, END)


@pytest.mark.parametrize("seed", range(4))
def test_the_closing_company_ends_with_nobody_from_every_seed(seed: int) -> None:
    company_id = company_of(Archetype.CLOSING)
    assert standing(read(story(seed).facts), company_id, END) == Standing(0, 0, 0)


def test_the_champion_has_the_app(lines: list[Line]) -> None:
    champion = standing(lines, company_of(Archetype.JMO_CHAMPION), END)
    assert champion.app > champion.active / 2
    assert champion.covered_pct > 95


# ---- registry and policies


def test_every_company_has_an_invented_name_a_regency_and_a_footwear_code(told: Story) -> None:
    registry = yaml.safe_load(told.companies_yaml)
    assert [entry["company_id"] for entry in registry] == sorted({line["company_id"] for line in read(told.facts)})
    assert len({entry["name"] for entry in registry}) == len(registry) >= 12
    assert len({entry["regency"] for entry in registry}) >= 5
    for entry in registry:
        assert any(word in entry["name"] for word in INVENTED_WORDS)
        assert re.fullmatch("152[0-9]{2}", entry["kbli"])
        assert entry.keys() <= {"company_id", "name", "kbli", "regency", "baselines", "contacts"}


def test_a_baseline_is_declared_and_follows_the_scale(told: Story) -> None:
    for scale, text in ((1.0, told.companies_yaml), (0.5, story(scale=0.5).companies_yaml)):
        declared = {e["company_id"]: e["baselines"] for e in yaml.safe_load(text) if "baselines" in e}
        ((baseline,),) = declared.values()
        assert list(declared) == [company_of(Archetype.DROPPER)]
        assert baseline == {"date": date(2025, 9, 11), "active": 220 * scale, "covered": 180 * scale}


def test_three_policies_watch(told: Story) -> None:
    policies = {entry["policy_id"]: entry for entry in yaml.safe_load(told.policies_yaml)}
    assert sorted(policies) == ["floor-60", "jmo-30", "pact-20pp"]
    pact = policies["pact-20pp"]
    assert (pact["rule"], pact["threshold_bp"], pact["baseline_on"]) == ("increment_pp", 2000, date(2025, 9, 11))
    assert (policies["jmo-30"]["rule"], policies["jmo-30"]["required"]) == ("level", ["JMO"])
    assert (policies["floor-60"]["rule"], policies["floor-60"]["hold_days"]) == ("level", 14)
    assert told.grace_days == 30
