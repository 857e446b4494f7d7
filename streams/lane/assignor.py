"""Who works on which partitions: Faust's assignor, which shares out only what its cluster metadata knows in full."""

from collections.abc import Mapping
from typing import Any

from aiokafka.cluster import ClusterMetadata  # type: ignore[import-untyped]
from faust.assignor.partition_assignor import PartitionAssignor

from streams.lane.stop import LaneFault, Stopping


class LaneAssignor(PartitionAssignor):
    """A group's leader ends its process when it does not know every topic of the group with all its partitions.

    A broker that has just started answers without the topics it has not yet loaded. Faust only warns of them and
    shares out the rest (partition_assignor.py _get_copartitioned_groups), and everybody is idle until the metadata is
    asked for again, which may take five minutes. A process that starts waits for its topics. A worker that gets
    nothing because there are more workers than partitions is none of this.
    """

    def assign(self, cluster: ClusterMetadata, member_metadata: Mapping[str, Any]) -> Any:
        """Called by aiokafka in the leader's process, in the consumer's thread: an error would only be logged there."""
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
