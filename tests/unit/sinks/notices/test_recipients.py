"""Who gets a notice."""

from dataclasses import replace

from schemas.contacts import Contact
from schemas.dates import DAY_MS
from schemas.notices import PENDING, Notice
from schemas.records import Company
from schemas.subscriptions import COMPLIANCE_TEAM, Subscription
from sinks.notices.recipients import recipients

DIRECT = Subscription("s", "email", ("district@agency.example",), effective_from=0)
TEAM = replace(DIRECT, to=(COMPLIANCE_TEAM,))
NOTICE = Notice("s/C1/P1/1/firing", "s", "alert", PENDING, 1, 0, company_id="C1")
C1 = Company("C1", contacts=("hr@c1.example", "Ibu Sri"), team=(Contact("Budi", email="budi@c1.example", since=5),))
COMPANIES = {"C1": C1, "C2": Company("C2", contacts=("hr@c2.example",))}


def test_a_list_of_addresses_is_used_as_it_is() -> None:
    assert recipients(DIRECT, NOTICE, COMPANIES, 0) == ("district@agency.example",)


def test_a_team_is_that_of_the_alerts_own_company_from_the_date_on_which_each_counts() -> None:
    assert recipients(TEAM, NOTICE, COMPANIES, 4 * DAY_MS) == ("hr@c1.example",)
    assert recipients(TEAM, NOTICE, COMPANIES, 5 * DAY_MS) == ("budi@c1.example", "hr@c1.example")
    assert recipients(TEAM, replace(NOTICE, company_id="C9"), COMPANIES, 0) == ()
