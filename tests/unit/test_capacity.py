"""The arithmetic of deploy/CAPACITY.md, checked with round figures."""

from typing import Any

import pytest

from tests.bench.broker_rows import BROKER_ROWS
from tests.bench.capacity import PLACES, Costs, needs, table

MEASURED = {
    "whole way, CPU of recorder": 10.0,
    "whole way, CPU of bookkeeper": 25.0,
    "whole way, CPU of sink": 50.0,
    "whole way, CPU of Kafka": 20.0,
    "whole way, CPU of ClickHouse": 40.0,
    "whole way, on disk: workforce.facts.v1": 100.0,
    "whole way, on disk: coverage.journal.v1": 150.0,
    "whole way, on disk: coverage.ledger.v1": 140.0,
    "whole way, on disk: coverage.snapshots.v1": 10.0,
    "whole way, on disk: peserta-bookkeeper-book-changelog": 100.0,
    "whole way, on disk: ClickHouse": 200.0,
    "memory of a worker with four facts": 500.0,
}
ROWS: dict[str, Any] = {name: {"rounds": [figure / 2, figure, figure * 2]} for name, figure in MEASURED.items()}
PROVINCE = {
    "cores of recorder at the peak": "0.01",  # 300 x 10 / 1,000,000, twice
    "cores of bookkeeper at the peak": "0.01",
    "cores of sink at the peak": "0.03",
    "cores of Kafka at the peak": "0.01",
    "cores of ClickHouse at the peak": "0.02",
    "facts in a complete re-load": "12 M",  # 2 million workers x 6
    "re-load with one core per part, hours": "0.2",  # 12 x 50 s
    "cores of the busiest part to re-load in 12 h": "0.0",
    "Kafka, 10 years, 3 replicas, GB": "62",  # (12 + 40) million x 400 bytes x 3
    "ClickHouse, 10 years, one replica, GB": "10",  # 52 million x 200 bytes
    "network into Kafka at the peak, MB/s": "0.5",  # 300 x 500 bytes x 3
    "memory of all book-keepers, GB": "1.0",
}


def test_what_a_province_needs_follows_from_the_costs() -> None:
    assert dict(needs(Costs.read(ROWS), PLACES[0])) == PROVINCE


def test_the_country_is_twenty_provinces() -> None:
    costs = Costs.read(ROWS)
    found = [dict(needs(costs, place))["memory of all book-keepers, GB"] for place in PLACES]
    assert found == ["1.0", "20.0"]
    assert table(costs).count("\n") == len(PROVINCE) + 1


def test_a_row_that_was_not_measured_is_named() -> None:
    with pytest.raises(KeyError, match="CPU of sink"):
        Costs.read({name: row for name, row in ROWS.items() if "sink" not in name})


def test_the_rows_that_it_reads_are_measured() -> None:
    assert {name for name in MEASURED if name.startswith("whole way")} <= {row.name for row in BROKER_ROWS}
