"""Topics whose events are whole batches."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from faust.serializers.schemas import Schema
from faust.topics import Topic
from faust.types.tuples import Message

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp


class BatchSchema(Schema):  # type: ignore[type-arg]
    """Passes a Batch through undecoded. Faust builds a topic's decoder with Schema.compile, and acknowledges an event
    whose decoder fails."""

    def compile(self, app: Any, **_options: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


class BatchTopic(Topic):
    """A topic whose events have the Batch of one partition and fetch as their value."""

    def __init__(self, app: Any, **options: Any) -> None:
        if not isinstance(options.get("schema"), BatchSchema):
            options["schema"] = BatchSchema(
                key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
        super().__init__(app, **options)

    @classmethod
    def of_sources(cls, app: "LaneApp", topics: Sequence[str]) -> "BatchTopic":
        """The topic for an agent. Its queue never fills: the lane stops fetching first. A full queue would pause for a
        second."""
        settings = app.lane_settings
        depth = 2 * settings.batches_in_flight * settings.partitions * len(topics)
        return cls(app, topics=list(topics), partitions=settings.partitions, maxsize=depth)
