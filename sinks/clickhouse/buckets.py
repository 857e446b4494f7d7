"""Buckets: how the lines of a partition of the journal are cut by their offsets (ddl/016, README "Buckets")."""

from typing import Final, NamedTuple

from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES

BITS: Final = 18  # as in the tables: a bucket has 262,144 journal offsets
# What a bucket is added up to, for each company and value date.
CHANGES: Final = (
    *("active", "covered", "uncovered_new"),
    *(f"enrolled_{name.lower()}" for name in PROGRAMMES),
    *(f"{figure}_{name}" for name in EMPLOYMENT_TYPES for figure in ("active", "covered")),
    *("joined", "left", "gained_cover", "lost_cover"),
)


class Bucket(NamedTuple):
    """The journal offsets from `first` up to `next` of one partition."""

    partition: int
    number: int

    @property
    def first(self) -> int:
        return self.number << BITS

    @property
    def next(self) -> int:
        return (self.number + 1) << BITS

    def __str__(self) -> str:
        return f"journal offsets {self.first} to {self.next - 1} of partition {self.partition}"

    def parameters(self) -> dict[str, int]:
        """For `WHERE_IN_BUCKET`."""
        return {"partition": self.partition, "bucket": self.number, "first": self.first, "next": self.next}


# The middle condition finds the parts of the new tables, the last two the granules of a table without buckets.
WHERE_IN_BUCKET: Final = (
    "partition = {partition:UInt32} AND bitShiftRight(offset, 18) = {bucket:UInt64} "
    "AND offset >= {first:UInt64} AND offset < {next:UInt64}"
)


def bucket_of(partition: int, offset: int) -> Bucket:
    """The bucket of a journal offset."""
    return Bucket(partition, offset >> BITS)
