"""The shapes of answers, for the OpenAPI document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from peserta.api.problems import PROBLEMS, TYPE


class RefusedFact(BaseModel):
    """Why a fact was refused."""

    line: int = Field(ge=1, description="Which fact of the body, from 1; of NDJSON the line, blank ones counted.")
    event_id: str | None = Field(
        description="Its event_id; null when it is not well formed or could be a personal number."
    )
    reason: str = Field(description="One of the reasons below.")
    field: str | None = Field(description="The field that is wrong, where the reason is about one.")
    message: str = Field(description="What is wrong, in words. It never repeats a value.")


class TakenAnswer(BaseModel):
    """What became of every fact of the body: `accepted` and the length of `refused` add up to their number."""

    accepted: int = Field(ge=0, description="Facts that Kafka has acknowledged.")
    refused: list[RefusedFact]


class Place(BaseModel):
    """Where a record stands in Kafka."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)


class FactRecordAnswer(BaseModel):
    """One record of the fact: it was sent so often."""

    state: str = Field(description="`recorded` or a disposition.")
    type: str | None = Field(description="The type of the fact; null when the recorder refused it.")
    recorded_at: str = Field(description="When it was recorded, or refused.")
    came_from: Place = Field(description="Where it was published.")
    journal: Place | None = Field(description="Its entry in the journal; null when the recorder refused it.")


class SpeaksAnswer(BaseModel):
    """Up to where in the company's partition of the journal the answer speaks."""

    partition: int = Field(ge=0)
    read_to: int = Field(ge=0, description="Every entry before this offset was looked at.")
    judged_to: int | None = Field(description="Dispositions are known up to the entry at this offset.")
    end: int = Field(ge=0, description="Where the journal ended when it was asked.")


class FateAnswer(BaseModel):
    """What became of a fact."""

    state: str = Field(description="Of its first record, which counts: `unknown`, `recorded` or a disposition.")
    records: list[FactRecordAnswer] = Field(description="The first first; empty when it is not known.")
    more: bool = Field(description="Whether there are more records than are shown.")
    speaks: SpeaksAnswer


class ProblemAnswer(BaseModel):
    """A request that was not carried out (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description=f"{TYPE} and one of {', '.join(PROBLEMS)}.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do. It never repeats a value.")


class RefusedAnswer(ProblemAnswer):
    """A body of which nothing was published, because a fact of it was refused."""

    accepted: Literal[0]
    refused: list[RefusedFact]


class ProbeAnswer(BaseModel):
    """Whether this process works."""

    role: Literal["api"]


class LiveAnswer(ProbeAnswer):
    """The process answers."""

    alive: bool


class ReadyAnswer(ProbeAnswer):
    """Whether the process can serve, and what it waits for: name and sentence."""

    ready: bool
    waits_for: dict[str, str]
