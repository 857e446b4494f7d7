"""What became of a fact, as the door answers (SEMANTICS 12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx2

from peserta_client.answers import FOREIGN, Rejected

UNKNOWN: Final = "unknown"
RECORDED: Final = "recorded"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class FactRecord:
    """One record of a fact: a fact that was sent twice has two.

    `state` is `recorded` or a disposition. `type` and `journal` are None when the recorder refused the record.
    """

    state: str
    type: str | None
    recorded_at: datetime
    came_from: Place
    journal: Place | None


@dataclass(frozen=True, slots=True)
class FactFate:
    """What became of a fact.

    `state` is that of its first record, which counts: `unknown`, `recorded` (not judged yet), or the disposition:
    `applied`, `no_effect`, `duplicate`, or `dead_letter:` and a reason. `more`: there are more records than these.
    The journal's `partition` was read up to the offset `read_to`, and judged up to `judged_to` (None: not at all).
    """

    state: str
    records: tuple[FactRecord, ...]
    more: bool
    partition: int
    read_to: int
    judged_to: int | None

    @property
    def is_settled(self) -> bool:
        """Whether the book has judged the fact, or the recorder has refused it."""
        return self.state not in (UNKNOWN, RECORDED)


def fate_of(response: httpx2.Response) -> FactFate:
    """The fate in an answer with status 200. Raises Rejected if the answer is not one of Peserta's door."""
    try:
        answer = response.json()
        speaks, judged_to = answer["speaks"], answer["speaks"]["judged_to"]
        return FactFate(
            str(answer["state"]),
            tuple(_record(one) for one in answer["records"]),
            bool(answer["more"]),
            int(speaks["partition"]),
            int(speaks["read_to"]),
            None if judged_to is None else int(judged_to),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise Rejected(response.status_code, FOREIGN) from error


def _record(one: Mapping[str, Any]) -> FactRecord:
    # Python 3.10 does not read the Z of RFC 3339.
    recorded_at = datetime.fromisoformat(str(one["recorded_at"]).replace("Z", "+00:00"))
    journal = one["journal"]
    return FactRecord(
        str(one["state"]),
        one["type"],
        recorded_at,
        Place(**one["came_from"]),
        None if journal is None else Place(**journal),
    )
