"""Reading metrics from a registry."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry

LABELS = frozenset({"topic", "partition", "disposition", "status", "table", "le"})
UNITS = ("_seconds", "_records", "_offsets", "_rows", "_days", "_partitions", "_batches_under_way")
COUNTED = ("_records", "_seconds", "_transactions", "_facts", "_repeats", "_alerts", "_rows", "_retries")


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """A sample's value; None if no sample has these labels."""
    return registry.get_sample_value(name, labels)


def labels_of(registry: CollectorRegistry) -> Iterator[dict[str, str]]:
    """The labels of every sample."""
    return (sample.labels for family in registry.collect() for sample in family.samples)


def assert_well_described(registry: CollectorRegistry) -> None:
    """Check that every metric has our prefix, a unit and a description, and no label with an id of a person or
    company."""
    for family in registry.collect():
        assert family.name.startswith("peserta_"), family.name
        assert family.name.endswith(COUNTED if family.type == "counter" else UNITS), family.name
        assert family.documentation.endswith("."), family.name
        assert len(family.documentation) > 20, family.name
        assert family.samples, f"{family.name}: the test has not made it count"
    assert {label for labels in labels_of(registry) for label in labels} <= LABELS
