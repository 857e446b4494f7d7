"""The partition of a company: the one that Kafka's default partitioner chooses, whichever client published the fact.

Clients partition keys differently (librdkafka's default is not Java's). The recorder therefore computes the journal
partition here and ignores the inbound one, so that a company's journal entries stay together.
"""

from functools import lru_cache

from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]


@lru_cache(maxsize=1 << 16)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key."""
    owner: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return owner
