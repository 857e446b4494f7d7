"""Which partition owns a company: that of Kafka's default partitioner, whoever published the fact.

Publishers' clients differ in how they spread keys (librdkafka's default is not Java's), so the recorder asks here and
not the inbound partition: a company's journal entries stay together.
"""

from functools import lru_cache

from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]


@lru_cache(maxsize=1 << 16)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key."""
    owner: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return owner
