"""The settings of the workers alone: where the state is, and how long more records may come before a few are read."""

from typing import Final, Literal

from pydantic import Field

from peserta.notice_settings import NoticeSettings
from sinks.clickhouse.settings import GATHER_MS_DEFAULT as SINK_GATHER_MS_DEFAULT
from streams.lane.settings import GATHER_LIMIT_MS
from streams.settings import GATHER_MS_DEFAULT, STATE_CACHE_MB_DEFAULT

STATE_CACHE_MB_MAX: Final = 1 << 20
SINK_GATHER_LIMIT_MS: Final = 10_000


class WorkerSettings(NoticeSettings):
    """What only recorder, book-keeper and sink need. Longer waits make a quiet service cheaper, and facts later."""

    state: Literal["memory", "disk"] = Field("memory", description="where the book-keeper has its state")
    state_cache_mb: int = Field(
        STATE_CACHE_MB_DEFAULT, ge=1, le=STATE_CACHE_MB_MAX, description="of a state on disk, held in memory"
    )
    gather_ms: int = Field(
        GATHER_MS_DEFAULT,
        ge=0,
        le=GATHER_LIMIT_MS,
        description="how long a fact may wait on its way to its alert, for others to come with it; 0: not at all",
    )
    sink_gather_ms: int = Field(
        SINK_GATHER_MS_DEFAULT,
        ge=0,
        le=SINK_GATHER_LIMIT_MS,
        description="how long the sink waits for more records, so that ClickHouse is late by as much; 0: not at all",
    )
