"""The shapes of answers, for the OpenAPI document."""

from typing import Any, Literal

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


class PolicyState(BaseModel):
    """How a company stands under a policy now."""

    policy_id: str
    version: int
    threshold_bp: int = Field(description="Basis points: 8000 is 80 %.")
    state: Literal["not_evaluable", "met", "pending", "breached"]
    since: str | None = Field(description="The business date on which it took this state.")
    gap_people: int | None = Field(description="How many people are missing; null when it is not evaluable.")


class CompanyAnswer(BaseModel):
    """A company: figures under the names of the view `coverage_current`, or null where it has none."""

    company_id: str
    name: str | None = Field(description="As it is registered now, like regency and kbli.")
    regency: str | None
    kbli: str | None
    figures: dict[str, Any] | None = Field(
        description="Counts of people; `_bp` is basis points, rounded down. `as_of` is the date of the figures."
    )
    policies: list[PolicyState] | None = Field(description="Null when the figures are past: states are those of now.")


class OneCompanyAnswer(CompanyAnswer):
    """A company, and when the figures are of."""

    as_of: str | None = Field(description="The date asked about; null: each company's own business date.")
    known_at: str | None = Field(description="The instant asked about; null: all that is recorded.")
    data_as_of: str | None = Field(description="When the latest entry that figures of now include was recorded.")


class CompaniesAnswer(BaseModel):
    """A page of companies, in order of company_id."""

    as_of: str | None = Field(description="The date asked about; null: each company's own business date.")
    known_at: str | None = Field(description="The instant asked about; null: all that is recorded.")
    data_as_of: str | None = Field(description="When the latest entry that figures of now include was recorded.")
    companies: list[CompanyAnswer]
    cursor: str | None = Field(description="For the next page; null on the last one.")


class QuestionParameter(BaseModel):
    """A parameter of a question."""

    name: str
    kind: Literal["date", "month", "instant", "text", "number", "rupiah", "choice", "flag"]
    choices: list[str] = Field(description="The words of which one may be given; empty for other kinds.")
    required: bool
    default: str | bool | None = Field(
        description="Null when it is required. `latest`: the latest business date of any company; `everything`: all "
        "that is recorded; `any`: no restriction; `of as_of`: its month; `of the regency`: its minimum wage."
    )
    meaning: str


class QuestionColumn(BaseModel):
    """A column of an answer."""

    name: str
    unit: str | None
    meaning: str


class ListedQuestion(BaseModel):
    """A question that analysts ask."""

    name: str
    title: str
    sentence: str = Field(description="What it answers.")
    parameters: list[QuestionParameter]
    columns: list[QuestionColumn]
    names_workers: bool = Field(description="Whether rows have tokens of workers.")
    allowed: bool = Field(description="Whether this key may have the answer, or the rows of its companies.")
    forms: list[str] = Field(description="The media types in which it is answered.")


class QuestionsAnswer(BaseModel):
    """All questions, by name."""

    questions: list[ListedQuestion]


class NoteAnswer(BaseModel):
    """A note on an alert."""

    text: str
    by: str
    at: str


class HandledAnswer(BaseModel):
    """What people did about an alert's episode."""

    acknowledged_by: str | None
    acknowledged_at: str | None
    assigned_to: str | None
    notes: list[NoteAnswer]


class StoredAlert(BaseModel):
    """An alert. (`alert_id`, `status`) identifies it."""

    alert_id: str = Field(description="company_id, policy_id and the number of the episode, joined with /.")
    status: Literal["firing", "resolved"]
    reason: str
    company_id: str
    policy_id: str
    policy_version: int
    rule: str
    threshold_bp: int
    business_date: str
    episode: int
    episode_start: str
    previous_state: str
    active: int
    covered: int
    divisor: int
    coverage_bp: int | None
    gap_people: int | None
    baseline_covered: int | None
    baseline_divisor: int | None
    uncovered: int = Field(description="The statutory gap: people of the whole company without JKK and JKM.")
    joined_30: int
    left_30: int
    gained_cover_30: int
    lost_cover_30: int
    cause: str
    event_id: str | None
    journal_partition: int
    journal_offset: int
    recorded_at: str


class ListedAlert(StoredAlert):
    """An alert and the handling of its episode, null for none."""

    handling: HandledAnswer | None


class AlertsAnswer(BaseModel):
    """A page of alerts, newest last."""

    alerts: list[ListedAlert]
    cursor: str = Field(description="Behind this page. It belongs to the filters with which it was given.")
    more: bool = Field(description="Whether there is more behind the page now.")
    generation: int = Field(description="Of the book. A new one comes of a rebuild, and older alerts may then differ.")


class HandlingRequest(BaseModel):
    """What somebody does about an alert."""

    action: Literal["acknowledged", "assigned", "note"]
    to: str = Field(default="", max_length=64, description="With `assigned` only: to whom.")
    text: str = Field(default="", max_length=2000, description="With `note` only. Numbers of people are refused.")


class HandlingAnswer(BaseModel):
    """The stored action. `by` is the name of the key."""

    handling_id: str
    alert_id: str
    action: str
    by: str
    at: str
    to: str | None
    text: str | None


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
