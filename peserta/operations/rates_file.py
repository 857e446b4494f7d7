"""A file of contribution rates: YAML, each number with its source, read whole or not at all (SEMANTICS 15).

The file that ships is deploy/rates/id.yaml; the setting `rates_file` names another one.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from peserta.operations.failure import Rejected
from peserta.operations.rates import PPM, RUPIAH_MAX, MinimumWage, Rate, Rates, Relief, RiskGroup, rates_text
from peserta.operations.yaml_document import Document, NotYaml, WrongMapping
from streams.core.declaring import Field, list_of, or_null, read_mapping, text, whole, word
from streams.core.reference_rules import HEADCOUNT_MAX, Broken, shown
from streams.core.reference_rules import Path as Place

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
# What ClickHouse takes as one parameter of a query, and room to spare; the sources of the numbers do not count.
TEXT_BYTES_MAX: Final = 120_000
TEXT_LENGTH_MAX: Final = 64  # of an id or a regency, in code points
SOURCE_LENGTH_MAX: Final = 1_000
PREFIXES_MAX: Final = 100  # of a relief
YEARS: Final = (1970, 2199)
PROGRAMMES: Final = ("JKK", "JKM", "JHT", "JP", "JKP")  # those with contributions
JKK: Final = "JKK"
RISK_GROUPS: Final = ("I", "II", "III", "IV", "V")

# `\` and `"` would be escapes within escapes on the way to ClickHouse.
_UNFIT: Final = re.compile(r'[\\"]')
_MONTH: Final = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")

T = TypeVar("T")


def read_rates(path: Path | None) -> Rates:
    """The rates of a file, by default those that ship. Rejected names file, line, entry and field."""
    path = path or Path(str(files("deploy") / "rates" / "id.yaml"))
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Rejected(f"{path}: has more than {FILE_BYTES_MAX} bytes.")
        content = path.read_bytes()
    except OSError as error:
        raise Rejected(f"{path}: cannot be read ({error.strerror}).") from error
    document = None
    try:
        document = Document(content)
        return _small_enough(path, _rates(document.value()))
    except (NotYaml, WrongMapping) as error:
        raise _wrong(path, error.line, _named(getattr(error, "path", ()), str(error))) from error
    except Broken as broken:
        line = document.line_of(broken.path) if document else None
        raise _wrong(path, line, _named(broken.path, str(broken))) from None


def _small_enough(path: Path, rates: Rates) -> Rates:
    """A file of any length in its sources and comments, but not in what a query carries."""
    size = len(rates_text(rates).encode())
    if size > TEXT_BYTES_MAX:
        raise Rejected(
            f"{path}: has {size} bytes for a query, which takes {TEXT_BYTES_MAX}: leave out the oldest years."
        )
    return rates


def month_text(value: str) -> str:
    """A month, YYYY-MM; ValueError for what is none."""
    if not _MONTH.fullmatch(value):
        raise ValueError("a month is written YYYY-MM")
    return value


def _wrong(path: Path, line: int | None, what: str) -> Rejected:
    return Rejected(f"{path}{'' if line is None else f', line {line}'}: {what}. Nothing of the file was taken.")


def _named(place: Place, what: str) -> str:
    """What is wrong, behind the list, the entry (from 1) and the field where it stands."""
    names = [f"entry {step + 1}" if isinstance(step, int) else shown(step).strip("'") for step in place]
    return ": ".join((*names, what))


# ---------------------------------------------------------------- lists


def _rates(value: Any) -> Rates:
    lists = {
        "rates": Field(partial(_entries, read=_rate)),
        "reliefs": Field(partial(_entries, read=_relief), ()),
        "risk_groups": Field(partial(_entries, read=_risk_group), ()),
        "wages": Field(partial(_entries, read=_wage), ()),
    }
    read = Rates(**read_mapping(value, lists))
    _once("rates", read.rates, lambda each: (each.programme, each.risk_group, each.from_month))
    _once("risk_groups", read.risk_groups, lambda each: each.kbli_prefix)
    _once("wages", read.wages, lambda each: (each.regency, each.year))
    _one_at_a_time(read.reliefs)
    return read


def _entries(value: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    return () if value == [] else list_of(value, read=read)


def _once(name: str, entries: tuple[T, ...], key: Callable[[T], Any]) -> None:
    """Two entries for the same would make an answer depend on their order."""
    seen: dict[Any, int] = {}
    for number, each in enumerate(entries):
        if (first := seen.setdefault(key(each), number)) != number:
            raise Broken(f"says the same as entry {first + 1}", "", (name, number))


def _one_at_a_time(reliefs: tuple[Relief, ...]) -> None:
    """A company has at most one relief of a programme in a month."""
    earlier: dict[str, list[tuple[int, Relief]]] = defaultdict(list)
    for number, each in enumerate(reliefs):
        for place, other in earlier[each.programme]:
            if _meet(each, other):
                what = f"can hold together with entry {place + 1}: a company has one relief of a programme at a time"
                raise Broken(what, "", ("reliefs", number))
        earlier[each.programme].append((number, each))


def _meet(one: Relief, other: Relief) -> bool:
    same_months = one.from_month <= other.until_month and other.from_month <= one.until_month
    return same_months and any(
        a.startswith(b) or b.startswith(a) for a in one.kbli_prefixes for b in other.kbli_prefixes
    )


# ---------------------------------------------------------------- entries


def _rate(value: Any) -> Rate:
    fields = _read(value, _RATE)
    if (fields["programme"] == JKK) != (fields["risk_group"] is not None):
        rule = "is missing: JKK has a rate for each" if fields["programme"] == JKK else "is for JKK only"
        raise Broken(rule, "", ("risk_group",))
    return Rate(from_month=fields.pop("from"), **fields)


def _relief(value: Any) -> Relief:
    fields = _read(value, _RELIEF)
    relief = Relief(from_month=fields.pop("from"), until_month=fields.pop("until"), **fields)
    if relief.until_month < relief.from_month:
        raise Broken("is before from", "", ("until",))
    return relief


def _risk_group(value: Any) -> RiskGroup:
    return RiskGroup(**_read(value, _RISK_GROUP))


def _wage(value: Any) -> MinimumWage:
    return MinimumWage(**_read(value, _WAGE))


def _read(value: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The fields of an entry, and its source, which must be there and goes no further."""
    read = read_mapping(value, {**fields, "source": Field(partial(_text, longest=SOURCE_LENGTH_MAX))})
    del read["source"]
    return read


# ---------------------------------------------------------------- values


def _text(value: Any, longest: int = TEXT_LENGTH_MAX) -> str:
    found = text(value)
    if not 1 <= len(found) <= longest:
        raise Broken(f"must have 1 to {longest} characters")
    return found


def _fit(value: Any) -> str:
    found = _text(value)
    if not found.isprintable() or _UNFIT.search(found):
        raise Broken('must be one line without \\ and "')
    return found


def _month(value: Any) -> str:
    if not isinstance(value, str) or not _MONTH.fullmatch(value):
        raise Broken("must be a month, YYYY-MM", f", not {shown(value)}")
    return value


def _number(value: Any, *, lowest: int = 0, highest: int) -> int:
    number = whole(value, highest=highest)
    if not lowest <= number <= highest:
        raise Broken(f"must lie in {lowest} to {highest}", f", not {shown(number)}")
    return number


def _prefixes(value: Any) -> tuple[str, ...]:
    prefixes = list_of(value, read=_prefix)
    if len(prefixes) > PREFIXES_MAX:
        raise Broken(f"must have at most {PREFIXES_MAX} entries", f", not {len(prefixes)}")
    return prefixes


def _prefix(value: Any) -> str:
    found = text(value)
    if not re.fullmatch(r"[0-9]{1,5}", found):
        raise Broken("must be 1 to 5 digits", f", not {shown(found)}")
    return found


_PPM: Final = Field(partial(_number, highest=PPM))
_RUPIAH: Final = partial(_number, lowest=1, highest=RUPIAH_MAX)
_GROUP: Final = partial(word, words=RISK_GROUPS)
_RATE: Final = {
    "programme": Field(partial(word, words=PROGRAMMES)),
    "risk_group": Field(or_null(_GROUP), None),
    "from": Field(_month),
    "employer_ppm": _PPM,
    "worker_ppm": _PPM,
    "wage_cap": Field(or_null(_RUPIAH)),
}
_RELIEF: Final = {
    "relief_id": Field(_fit),
    "programme": Field(partial(word, words=PROGRAMMES)),
    "from": Field(_month),
    "until": Field(_month),
    "factor_ppm": _PPM,
    "kbli_prefixes": Field(_prefixes),
    "min_covered": Field(partial(_number, highest=HEADCOUNT_MAX)),
}
_RISK_GROUP: Final = {"kbli_prefix": Field(_prefix), "risk_group": Field(_GROUP)}
_WAGE: Final = {
    "regency": Field(_fit),
    "year": Field(partial(_number, lowest=YEARS[0], highest=YEARS[1])),
    "rupiah": Field(_RUPIAH),
}
