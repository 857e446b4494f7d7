"""Alerts for tests of what is made of them; what is in them is of no importance."""

from schemas.records import Alert, Day, Instant
from schemas.subscriptions import FIRING, RESOLVED

ON: Day = 20_500


def alert(
    company_id: str = "C1",
    episode: int = 1,
    status: str = FIRING,
    *,
    policy_id: str = "P1",
    gap_people: int | None = 7,
    on: Day = ON,
    offset: int = 0,
    at: Instant = 0,
) -> Alert:
    """An alert of an episode of this company."""
    return Alert(
        alert_id=f"{company_id}/{policy_id}/{episode}",
        status=status,
        reason="crossed" if status == FIRING else "recovered",
        company_id=company_id,
        policy_id=policy_id,
        policy_version=1,
        rule="level",
        threshold_bp=8000,
        business_date=on,
        episode=episode,
        episode_start=on,
        previous_state="met" if status == FIRING else "breached",
        active=100,
        covered=73,
        divisor=100,
        coverage_bp=7300,
        gap_people=gap_people if status == FIRING else None,
        baseline_covered=None,
        baseline_divisor=None,
        uncovered=27,
        joined_30=1,
        left_30=2,
        gained_cover_30=3,
        lost_cover_30=4,
        cause="date",
        event_id=None,
        journal_partition=0,
        journal_offset=offset,
        recorded_at=at,
    )


def resolved(company_id: str = "C1", episode: int = 1, **given: int) -> Alert:
    """The end of such an episode."""
    return alert(company_id, episode, RESOLVED, **given)  # type: ignore[arg-type]
