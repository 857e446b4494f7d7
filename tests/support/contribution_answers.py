"""What closing the gap costs, computed slowly from a file of rates as it is written: SEMANTICS 15, rule by rule."""

from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from peserta.operations.rates import rates_text
from peserta.operations.rates_file import read_rates
from peserta.operations.yaml_document import written
from schemas.dates import day
from sinks.questions.headers import RATES as RATES_KIND
from sinks.questions.headers import Question
from tests.support.question_answers import Rows, Values
from tests.support.question_books import QuestionBook

Document = dict[str, list[dict[str, Any]]]
SOURCE: Final = "made up"


def rate(programme: str, group: str | None, since: str, ppm: int, cap: int | None = None) -> dict[str, Any]:
    of_group = {} if group is None else {"risk_group": group}
    fields = {"from": since, "employer_ppm": ppm, "worker_ppm": 0, "wage_cap": cap, "source": SOURCE}
    return {"programme": programme, **of_group, **fields}


def relief(
    relief_id: str, programme: str, since: str, until: str, factor_ppm: int, prefixes: list[str], min_covered: int
) -> dict[str, Any]:
    return {
        "relief_id": relief_id,
        "programme": programme,
        "from": since,
        "until": until,
        "factor_ppm": factor_ppm,
        "kbli_prefixes": prefixes,
        "min_covered": min_covered,
        "source": SOURCE,
    }


def risk_group(prefix: str, group: str) -> dict[str, Any]:
    return {"kbli_prefix": prefix, "risk_group": group, "source": SOURCE}


def wage(regency: str, year: int, rupiah: int) -> dict[str, Any]:
    return {"regency": regency, "year": year, "rupiah": rupiah, "source": SOURCE}


def rates_yaml(document: Document) -> str:
    """A file of rates."""
    lists = (f"{name}:\n{written(entries)}" if entries else f"{name}: []\n" for name, entries in document.items())
    return "".join(lists)


# For books whose companies have the KBLI numbers 15201 and 14111, and the regencies Batam and Bogor.
RATES: Final[Document] = {
    "rates": [
        rate("JKK", "I", "2015-07", 2400),
        rate("JKK", "III", "2015-07", 8900),
        rate("JKK", "III", "2025-04", 8901, 2_000_000),
        rate("JKM", None, "2015-07", 3000),
        rate("JP", None, "2015-07", 20_000, 9_000_000),
    ],
    "reliefs": [
        relief("a", "JKK", "2025-03", "2025-04", 500_000, ["15", "16"], 1),
        relief("b", "JKM", "2025-04", "2025-05", 333_333, ["152"], 2),
    ],
    "risk_groups": [risk_group("15201", "III"), risk_group("1", "I")],
    "wages": [wage("Batam", 2023, 2_000_001), wage("Batam", 2024, 2_610_224), wage("Bogor", 2025, 2_332_350)],
}


@cache
def rates_parameter() -> str:
    """RATES as the question takes them."""
    with NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(rates_yaml(RATES))
        file.flush()
        return rates_text(read_rates(Path(file.name)))


def not_asked(question: Question) -> dict[str, str]:
    """The values of the parameters that nobody gives who asks: these rates, and one turn."""
    of_kind = {RATES_KIND: rates_parameter()}
    hidden = [each for each in question.parameters if each not in question.asked]
    return {each.name: of_kind.get(each.kind, each.default) for each in hidden}


def newest(entries: list[dict[str, Any]], month: str) -> dict[str, Any] | None:
    """The entry with the latest month that is not after another."""
    return max((each for each in entries if each["from"] <= month), key=lambda each: str(each["from"]), default=None)


def contribution(of_wage: int | None, of_rate: dict[str, Any] | None, ppm: int | None) -> int | None:
    """What is paid for one worker, rounded half up to a rupiah."""
    if of_wage is None or of_rate is None or ppm is None:
        return None
    base = of_wage if of_rate["wage_cap"] is None else min(of_wage, of_rate["wage_cap"])
    return floor(Fraction(base * ppm, 1_000_000) + Fraction(1, 2))


def minimum_wage(document: Document, regency: str | None, year: int) -> int | None:
    known = {each["year"]: each["rupiah"] for each in document["wages"] if each["regency"] == regency}
    return next((known[each] for each in range(year, 1969, -1) if each in known), None)


def contributions_of(document: Document, book: QuestionBook, values: Values) -> Rows:
    on, month, known = day(values["as_of"]), values["month"], book.known(1 << 60)
    rows: Rows = []
    for company in book.appearing(on, 1 << 60):
        heads, registered = known[company].heads(on), book.registered(company)
        kbli, uncovered = registered.kbli or "", heads.active - heads.covered
        paid = minimum_wage(document, registered.regency, int(month[:4]))
        paid = int(values["wage"]) if values["wage"] else paid
        prefixes = {each["kbli_prefix"]: each["risk_group"] for each in document["risk_groups"]}
        group = next((prefixes[kbli[:n]] for n in range(5, 0, -1) if len(kbli) >= n and kbli[:n] in prefixes), None)
        ppms: list[int | None] = []
        parts: list[int | None] = []
        reliefs: set[str] = set()
        for programme, risk in (("JKK", group), ("JKM", None)):
            every = [each for each in document["rates"] if each["programme"] == programme]
            found = newest([each for each in every if each.get("risk_group") == risk], month)
            ppm: int | None = found["employer_ppm"] if found else None
            for each in document["reliefs"]:
                lies_in = each["from"] <= month <= each["until"] and heads.covered >= each["min_covered"]
                matches = any(kbli.startswith(prefix) for prefix in each["kbli_prefixes"])
                if each["programme"] == programme and lies_in and matches:
                    reliefs.add(each["relief_id"])
                    ppm = ppm and floor(Fraction(ppm * each["factor_ppm"], 1_000_000))
            ppms.append(ppm)
            parts.append(contribution(paid, found, ppm))
        one = None if None in parts else sum(part or 0 for part in parts)
        months = None if one is None else uncovered * one, None if one is None else 12 * uncovered * one
        rows.append((company, uncovered, paid, *ppms, "+".join(sorted(reliefs)) or None, one, *months))
    return rows


def contributions(book: QuestionBook, values: Values) -> Rows:
    return contributions_of(RATES, book, values)
