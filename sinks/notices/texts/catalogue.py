"""The sentences of one language, and how it writes numbers, shares, dates and times."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, StrictUndefined, Template

from schemas.dates import EPOCH, EPOCH_ORDINAL, JAKARTA_MS, day, instant
from schemas.records import Day

# Own patterns: those of Babel change from version to version.
NUMBER: Final = "#,##0"
PERCENT: Final = "#,##0.00 %"
POINTS: Final = "#,##0.00"
DATE: Final = "d MMMM y"
INSTANT: Final = {"id": "d MMMM y HH.mm 'WIB'", "en": "d MMMM y HH:mm 'WIB'"}
BASIS_POINTS: Final = 10_000


class Catalogue:
    """The sentences of a language. A key is `table.name`; one of a number ends in the number's form."""

    def __init__(self, language: str) -> None:
        self.locale: Final = Locale.parse(language)
        content = (Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8")
        self.sentences: Final = dict(_flat(tomllib.loads(content)))
        self._environment = Environment(undefined=StrictUndefined, autoescape=False)
        self._environment.filters |= {
            "number": self.number,
            "percent": self.percent,
            "points": self.points,
            "date": self.date,
            "instant": self.instant,
        }
        self._templates: dict[str, Template] = {}

    def say(self, key: str, **fields: Any) -> str:
        """The sentence of this key. Raises KeyError for an unknown one, UndefinedError for a missing field."""
        if key not in self._templates:
            self._templates[key] = self._environment.from_string(self.sentences[key])
        return self._templates[key].render(fields)

    def count(self, key: str, n: int, **fields: Any) -> str:
        """The sentence in the form for this number, which is its field `n`."""
        return self.say(f"{key}.{self.locale.plural_form(n)}", n=n, **fields)

    def number(self, value: int) -> str:
        return format_decimal(value, format=NUMBER, locale=self.locale)

    def percent(self, basis_points: int) -> str:
        return format_percent(Decimal(basis_points) / BASIS_POINTS, format=PERCENT, locale=self.locale)

    def points(self, basis_points: int) -> str:
        """Basis points as percentage points."""
        return format_decimal(Decimal(basis_points) / 100, format=POINTS, locale=self.locale)

    def date(self, on: str | Day) -> str:
        """A date, of its text or number."""
        number = day(on) if isinstance(on, str) else on
        return format_date(date.fromordinal(number + EPOCH_ORDINAL), format=DATE, locale=self.locale)

    def instant(self, at: str) -> str:
        """RFC 3339 -> the time of day in Jakarta."""
        in_jakarta = EPOCH + timedelta(milliseconds=instant(at) + JAKARTA_MS)
        return format_datetime(in_jakarta, format=INSTANT[self.locale.language], locale=self.locale)


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language of `schemas.subscriptions.LANGUAGES`."""
    return Catalogue(language)


def _flat(table: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(before + name, value)]
    return found
