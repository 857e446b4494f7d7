"""What the figures of the question `contributions` leave unsaid: which wage stood in, and what is not known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from peserta.operations.clickhouse_reading import ANSWER_LIMIT_S, analyst
from peserta.operations.questions import Request
from peserta.operations.rates import Rates
from peserta.operations.rates_file import read_rates
from peserta.settings import Settings

NAME: Final = "contributions"
NAMES_SHOWN_MAX: Final = 8

COMPANIES: Final = """SELECT registry.regency, registry.kbli
FROM coverage_as_of(as_of = {as_of:String}, known_at = '2199-12-31T23:59:59.999Z') AS figures
LEFT JOIN companies AS registry ON registry.company_id = figures.company_id
WHERE {all:Bool} OR has({companies:Array(String)}, figures.company_id)"""


def remarks(
    settings: Settings,
    wanted: Request,
    companies: Sequence[str] | None = None,
    limit_s: int = ANSWER_LIMIT_S,
) -> tuple[str, ...]:
    """Sentences beside the answer of `contributions`; none for another question. With `companies`, they speak of no
    other. Failed when ClickHouse does not answer."""
    if wanted.question.name != NAME:
        return ()
    rates, values = read_rates(settings.rates_file), wanted.values
    asked = {"as_of": values["as_of"], "all": companies is None, "companies": [*(companies or ())]}
    with analyst(settings, limit_s=limit_s) as client:
        found = client.query(COMPANIES, parameters=asked).result_rows
    of_wages = () if values["wage"] else _of_wages(rates, values["month"], [regency for regency, _ in found])
    return (*of_wages, *_of_rates(rates, values["month"], [kbli for _, kbli in found]))


def _of_wages(rates: Rates, month: str, regencies: list[str | None]) -> Iterable[str]:
    year = int(month[:4])
    known = {regency: rates.wage_year(regency, year) for regency in set(regencies)}
    earlier: dict[int, list[str]] = defaultdict(list)
    for regency, of_year in known.items():
        if regency is not None and of_year not in (None, year):
            earlier[of_year or 0].append(regency)
    for of_year, names in sorted(earlier.items()):
        yield f"No minimum wage of {year} is known for {_listed(names)}: the one of {of_year} is reckoned with."
    unknown = {regency: regencies.count(regency) for regency, of_year in known.items() if of_year is None}
    if unknown:
        yield (
            f"No minimum wage is known for {_listed(unknown, 'companies without a regency')}: "
            f"{sum(unknown.values())} of {len(regencies)} companies have no figure. "
            "Give a wage, or add the minimum wage to the rates."
        )


def _of_rates(rates: Rates, month: str, kblis: list[str | None]) -> Iterable[str]:
    groups = {kbli: rates.risk_group_of(kbli) for kbli in set(kblis)}
    unknown = {kbli: kblis.count(kbli) for kbli, group in groups.items() if group is None}
    if unknown:
        yield (
            f"No risk group is known for {_listed(unknown, 'companies without a KBLI number')}: "
            f"{sum(unknown.values())} of {len(kblis)} companies have no rate for JKK. Add it to the rates."
        )
    missing = {group or "" for group in groups.values() if group and not rates.has_rate("JKK", group, month)}
    if missing:
        yield f"No rate of {month} is known for JKK, risk group {_listed(missing)}."
    if kblis and not rates.has_rate("JKM", None, month):
        yield f"No rate of {month} is known for JKM."


def _listed(names: Iterable[str | None] | Mapping[str | None, int], of_none: str = "") -> str:
    """Names in order, the first few of many; what has no name comes last."""
    known = sorted(name for name in names if name is not None)
    more = [f"{len(known) - NAMES_SHOWN_MAX} more"] if len(known) > NAMES_SHOWN_MAX else []
    return ", ".join((*known[:NAMES_SHOWN_MAX], *more, *([of_none] if None in names else [])))
