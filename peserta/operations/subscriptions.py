"""Subscriptions in their topic: applied, ended, read (SEMANTICS 13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from peserta.operations.failure import Rejected
from peserta.operations.record_writing import last_of_each, write_records
from peserta.operations.reference_reading import current_companies, current_policies
from peserta.operations.unmatched_scopes import unmatched_scopes
from peserta.settings import Settings
from schemas.records import Instant
from schemas.subscriptions import SUBSCRIPTIONS_MAX, Subscription, subscriptions_of

NEW: Final = "new"
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a file does to one subscription: `kind` is NEW, CHANGED or UNCHANGED."""

    kind: str
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class SubscriptionPlan:
    """What applying subscriptions would do, and warnings about what may be a mistake: sentences without full stop."""

    applied: tuple[Applied, ...]
    doubts: tuple[str, ...] = ()


async def current_subscriptions(settings: Settings) -> dict[str, Subscription]:
    """All subscriptions by id, ended ones too. Raises Unavailable without a broker or the topic."""
    found = subscriptions_of(await last_of_each(settings, settings.topics.subscriptions))
    return dict(sorted(found.items()))


async def subscription_of(settings: Settings, subscription_id: str) -> Subscription:
    """One subscription. Raises Rejected if there is none with this id."""
    found = (await current_subscriptions(settings)).get(subscription_id)
    if found is None:
        ways = "`peserta subscriptions list` shows those there are"
        raise Rejected(f"There is no subscription {subscription_id}: {ways}.")
    return found


async def plan_subscriptions(settings: Settings, wanted: Sequence[Subscription], now: Instant) -> SubscriptionPlan:
    """What applying these at `now` would do; nothing is sent. Raises Rejected if there would be too many in force."""
    current = await current_subscriptions(settings)
    applied = applied_to(current, wanted, now)
    in_force = {name for name, one in current.items() if one.ended_at is None}
    after = len(in_force | {one.subscription_id for one in wanted})
    if after > SUBSCRIPTIONS_MAX:
        raise Rejected(
            f"There would be {after} subscriptions in force, and {SUBSCRIPTIONS_MAX} is the most: end some of them "
            "(`peserta subscriptions end`). Nothing was applied."
        )
    return SubscriptionPlan(applied, tuple(await _doubts(settings, wanted)))


def applied_to(
    current: Mapping[str, Subscription], wanted: Sequence[Subscription], now: Instant
) -> tuple[Applied, ...]:
    """The wanted subscriptions as they are after being applied at `now`.

    One in force stays so without interruption. One that was ended begins anew. An unchanged one is applied again too:
    its receiver may have answered that it is gone, and applying it makes it be asked again.
    """
    applied = []
    for one in wanted:
        before = current.get(one.subscription_id)
        is_in_force = before is not None and before.ended_at is None
        since = before.in_force_from if before is not None and is_in_force else now
        after = replace(one, applied_at=now, in_force_from=since, ended_at=None)
        kind = NEW if before is None else CHANGED
        if before is not None and replace(before, applied_at=now) == after:
            kind = UNCHANGED
        applied.append(Applied(kind, after))
    return tuple(applied)


async def apply_subscriptions(settings: Settings, plan: SubscriptionPlan) -> None:
    """Write the subscriptions of a plan. Raises Unavailable if Kafka does not take them: apply the file again then."""
    records = [(one.subscription.subscription_id, one.subscription.encode()) for one in plan.applied]
    await write_records(settings, settings.topics.subscriptions, records)


async def end_subscription(settings: Settings, subscription_id: str, now: Instant) -> Subscription:
    """End a subscription: alerts committed from now on are not told, and what waits is given up.

    Raises Rejected if there is none with this id, or if it has ended already.
    """
    found = await subscription_of(settings, subscription_id)
    if found.ended_at is not None:
        raise Rejected(f"The subscription {subscription_id} has ended already.")
    ended = replace(found, ended_at=now)
    await write_records(settings, settings.topics.subscriptions, [(subscription_id, ended.encode())])
    return ended


async def _doubts(settings: Settings, wanted: Sequence[Subscription]) -> list[str]:
    """Policies that there are not, and scopes that match no registered company."""
    doubts: list[str] = []
    if any(one.policy_ids is not None for one in wanted):
        policies = await current_policies(settings)
        for one in wanted:
            unknown = [name for name in one.policy_ids or () if name not in policies]
            doubts += [f"{one.subscription_id}: policy_ids: there is no policy {name}" for name in unknown]
    named = [(one.subscription_id, one.scope) for one in wanted]
    return doubts + list(unmatched_scopes(named, list((await current_companies(settings)).values())))
