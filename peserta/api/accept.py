"""From the headers of a request to the form of its answer (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from starlette.datastructures import Headers

from peserta.api.media import JSON, LINES
from peserta.api.problems import Problem
from peserta.operations.questions import Form

CSV: Final = "text/csv"
PARQUET: Final = "application/vnd.apache.parquet"
ARROW: Final = "application/vnd.apache.arrow.file"
# In order of preference where a caller has none.
ANSWERED_AS: Final[Mapping[Form, str]] = {
    Form.JSON: JSON,
    Form.NDJSON: LINES,
    Form.CSV: CSV,
    Form.PARQUET: PARQUET,
    Form.ARROW: ARROW,
}
CHARSET: Final = "; charset=utf-8"
_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def form_of(headers: Headers, said: str | None) -> tuple[Form, str]:
    """The form of the answer, and its Content-Type: the form that `format` names, else the one that `Accept` prefers.
    Raises Problem `wrong-parameter` for another `format`, `not-acceptable` if none is accepted."""
    if said is None:
        form = _preferred(", ".join(headers.getlist("accept")) or "*/*")
    elif said in set(Form):
        form = Form(said)
    else:
        raise Problem("wrong-parameter", f"format must be one of {', '.join(ANSWERED_AS)}.")
    return form, ANSWERED_AS[form] + (CHARSET if form is Form.CSV else "")


def _preferred(accept: str) -> Form:
    ranges = dict(_ranges(accept))
    best, quality_best = None, 0.0
    for form, media in ANSWERED_AS.items():
        kind = media.split("/")[0]
        quality = next((ranges[each] for each in (media, f"{kind}/*", "*/*") if each in ranges), 0.0)
        if quality > quality_best:
            best, quality_best = form, quality
    if best is None:
        raise Problem("not-acceptable", f"Accept must include one of {', '.join(ANSWERED_AS.values())}.")
    return best


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Media range -> its quality from 0 to 1; one that is written otherwise than the standard says is passed over."""
    for each in accept.lower().split(","):
        media, *parts = (part.strip() for part in each.split(";"))
        said = [part.partition("=")[2].strip() for part in parts if part.partition("=")[0].strip() == "q"]
        if all(map(_QUALITY.fullmatch, said)):
            yield media, float(said[0]) if said else 1.0
