"""Assigning partitions to workers: Faust's assignor, used only with complete cluster metadata."""

from collections.abc import Mapping
from typing import Any

from aiokafka.cluster import ClusterMetadata  # type: ignore[import-untyped]
from faust.assignor.partition_assignor import PartitionAssignor

from streams.lane.stop import LaneFault, Stopping


class LaneAssignor(PartitionAssignor):
    """The group leader ends its process unless it knows every topic of the group with all its partitions.

    A broker that has just started leaves topics that it has not loaded yet out of its metadata. Faust warns and assigns
    only the others (partition_assignor.py _get_copartitioned_groups). Every worker is then idle until the next metadata
    refresh, which may take five minutes. A restarted process waits for its topics instead. This does not concern a
    worker that gets no partition because there are more workers than partitions.
    """

    def assign(self, cluster: ClusterMetadata, member_metadata: Mapping[str, Any]) -> Any:
        """aiokafka calls this on the leader, in the consumer's thread, where an error would only be logged."""
        with Stopping("sharing out partitions"):
            self._check(cluster, {topic for member in member_metadata.values() for topic in member.subscription})
            return super().assign(cluster, member_metadata)  # type: ignore[arg-type]

    def _check(self, cluster: ClusterMetadata, topics: set[str]) -> None:
        wanted = self.app.lane_settings.partitions  # type: ignore[attr-defined]
        found = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in sorted(topics)}
        wrong = [f"{topic} has {count}" for topic, count in found.items() if count != wanted]
        if wrong:
            raise LaneFault(
                f"each topic must be known with {wanted} partitions before they are shared out: {', '.join(wrong)}"
            )
