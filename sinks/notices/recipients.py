"""Who gets a notice: the addresses of its subscription, or those of the company that it is about."""

from collections.abc import Mapping

from schemas.contacts import addresses_of
from schemas.dates import jakarta_day
from schemas.notices import Notice
from schemas.records import Company, Instant
from schemas.subscriptions import COMPLIANCE_TEAM, Subscription


def recipients(
    subscription: Subscription, notice: Notice, companies: Mapping[str, Company], now: Instant
) -> tuple[str, ...]:
    """The addresses to send to now. Empty if it is for a company's team and the registry has no address of it."""
    if COMPLIANCE_TEAM not in subscription.to:
        return subscription.to
    company = companies.get(notice.company_id or "")
    return addresses_of(company.contacts, company.team, jakarta_day(now)) if company else ()
