"""The statements in the files of migrations, for one server and for a cluster."""

import pytest

from sinks.clickhouse.migrations import Migration, migrations
from sinks.clickhouse.refusals import Refused

TABLE = """-- A table; it has a comment.
CREATE TABLE t ${on_cluster} (a String) ENGINE = ${replicated}ReplacingMergeTree(a) ORDER BY a;

CREATE VIEW v ${on_cluster} AS SELECT {x:Date} AS x FROM t;
"""


def test_a_file_is_split_into_its_statements() -> None:
    first, second = Migration("001_t", TABLE).statements(None)

    assert first.endswith("CREATE TABLE t  (a String) ENGINE = ReplacingMergeTree(a) ORDER BY a")
    assert second == "CREATE VIEW v  AS SELECT {x:Date} AS x FROM t"


def test_a_cluster_has_the_same_statements_with_replicated_engines() -> None:
    first, second = Migration("001_t", TABLE).statements("main")

    assert "CREATE TABLE t ON CLUSTER main (a String) ENGINE = ReplicatedReplacingMergeTree(a)" in first
    assert second.startswith("CREATE VIEW v ON CLUSTER main AS")


@pytest.mark.parametrize("migration", migrations(), ids=lambda migration: migration.name)
def test_every_statement_has_a_variant_for_a_cluster(migration: Migration) -> None:
    for statement in migration.statements("main"):
        assert statement.count("ON CLUSTER main") == 1
        assert "ENGINE" not in statement or statement.count("ENGINE = Replicated") == 1


def test_the_name_of_a_cluster_cannot_be_a_statement() -> None:
    with pytest.raises(Refused, match="cannot be the name"):
        Migration("001_t", TABLE).statements("x; DROP TABLE t")


def test_no_materialised_view_adds_up_what_may_be_inserted_again() -> None:
    assert not any("MATERIALIZED VIEW" in migration.text.upper() for migration in migrations())
