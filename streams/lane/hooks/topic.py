"""Topics whose events are whole batches."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from faust.serializers.schemas import Schema
from faust.topics import Topic
from faust.types.tuples import Message

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp


class BatchSchema(Schema):  # type: ignore[type-arg]
    """Hands a Batch through: Faust builds a topic's decoder with Schema.compile, and one that fails would ack early."""

    def compile(self, app: Any, **_options: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


class BatchTopic(Topic):
    """A topic whose event value is the Batch of one partition and fetch."""

    def __init__(self, app: Any, **options: Any) -> None:
        if not isinstance(options.get("schema"), BatchSchema):
            options["schema"] = BatchSchema(
                key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
        super().__init__(app, **options)

    @classmethod
    def of_sources(cls, app: "LaneApp", topics: Sequence[str]) -> "BatchTopic":
        """For an agent. Its queue never fills: back-pressure is not fetching; a full queue would pause for a second."""
        settings = app.lane_settings
        depth = 2 * settings.batches_in_flight * settings.partitions * len(topics)
        return cls(app, topics=list(topics), partitions=settings.partitions, maxsize=depth)
