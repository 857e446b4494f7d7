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
