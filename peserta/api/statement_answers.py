"""What the route of statements answers, for the document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class BalanceAnswer(BaseModel):
    """People inside at the end of a day, and of them covered and not covered."""

    on: str
    active: int
    covered: int
    uncovered: int


class ChangeAnswer(BaseModel):
    """What one journal entry changed on one value date, and the figures behind it."""

    value_on: str
    recorded_at: str
    type: Literal["hire", "termination", "enrollment", "correction"] | None = Field(
        description="Null, like event_id and worker_id, while ClickHouse does not have the fact yet."
    )
    event_id: str | None
    worker_id: str | None = Field(description="The publisher's token.")
    active_change: int
    covered_change: int
    cause: Literal["fact", "correction"]
    late_days: int = Field(description="From the value date to the date of recording; 0 where that is not later.")
    active: int
    covered: int


class StatementAnswer(BaseModel):
    """The account of a company over a period."""

    model_config = ConfigDict(populate_by_name=True)

    company_id: str
    first: str = Field(alias="from")
    to: str
    known_at: str | None = Field(description="What the opening figures were known at; null: all that is recorded.")
    opening: BalanceAnswer = Field(description="At the end of the day before `from`.")
    restated: list[ChangeAnswer] = Field(description="Of days before `from`, recorded after `known_at`.")
    changes: list[ChangeAnswer] = Field(description="In order of value date, then of recording.")
    closing: BalanceAnswer = Field(description="At the end of `to`, as known now.")
