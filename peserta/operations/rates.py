"""Contribution rates: dated data, as the question `contributions` reckons with them (SEMANTICS 15)."""

import json
from dataclasses import asdict, dataclass
from typing import Final

RUPIAH_MAX: Final = 1_000_000_000  # a month
PPM: Final = 1_000_000  # millionths of a wage


@dataclass(frozen=True, slots=True)
class Rate:
    """What employer and worker pay to a programme from a month on, in millionths of the wage, at most of `wage_cap`
    rupiah. JKK has one rate for each risk group."""

    programme: str
    risk_group: str | None
    from_month: str
    employer_ppm: int
    worker_ppm: int
    wage_cap: int | None


@dataclass(frozen=True, slots=True)
class Relief:
    """What is left of the employer's rate, from month to month inclusive, for companies with one of these KBLI
    prefixes and at least `min_covered` people covered."""

    relief_id: str
    programme: str
    from_month: str
    until_month: str
    factor_ppm: int
    kbli_prefixes: tuple[str, ...]
    min_covered: int


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """The risk group of companies whose KBLI number begins so; the longest prefix wins."""

    kbli_prefix: str
    risk_group: str


@dataclass(frozen=True, slots=True)
class MinimumWage:
    """The minimum wage of a regency in a year, rupiah a month."""

    regency: str
    year: int
    rupiah: int


@dataclass(frozen=True, slots=True)
class Rates:
    """A whole file, without its sources."""

    rates: tuple[Rate, ...]
    reliefs: tuple[Relief, ...]
    risk_groups: tuple[RiskGroup, ...]
    wages: tuple[MinimumWage, ...]

    def wage_year(self, regency: str | None, year: int) -> int | None:
        """The year of the minimum wage that holds for a regency: that year, or the newest before; None for none."""
        return max((each.year for each in self.wages if each.regency == regency and each.year <= year), default=None)

    def risk_group_of(self, kbli: str | None) -> str | None:
        """The risk group of the longest prefix of a KBLI number; None when there is none."""
        found = [each for each in self.risk_groups if (kbli or "").startswith(each.kbli_prefix)]
        return max(found, key=lambda each: len(each.kbli_prefix)).risk_group if found else None

    def has_rate(self, programme: str, risk_group: str | None, month: str) -> bool:
        """Whether a rate of the programme is known that is not after the month."""
        return any(
            (each.programme, each.risk_group) == (programme, risk_group) and each.from_month <= month
            for each in self.rates
        )


def rates_text(rates: Rates) -> str:
    """The rates as the parameter `rates` of the question: JSON, the same text for the same rates."""
    return json.dumps(asdict(rates), ensure_ascii=False, separators=(",", ":"))
