"""The screens of `peserta policies try`: both lists of alerts beside each other, and the difference by company."""

from collections import Counter

from peserta.cli.screen import counted, out, print_json, table
from peserta.operations.policies_tried import Tried, crossings
from schemas.dates import day_text
from schemas.public_json import stored_alert_json

RAISED, TRIED, BOTH = "raised", "tried", "both"


def show_tried(found: Tried) -> None:
    """For people: the alerts in order of date, company and policy, and who has them; then a row for each company."""
    raised, tried = crossings(found.raised), crossings(found.tried)
    lists = Counter({BOTH: (raised & tried).total(), RAISED: len(found.raised), TRIED: len(found.tried)})
    rows = [
        (day_text(each.business_date), each.company_id, each.policy_id, each.status, BOTH if which == BOTH else which)
        for each, which in sorted(
            [(each, BOTH) for each in (raised & tried).elements()]
            + [(each, f"only {RAISED}") for each in (raised - tried).elements()]
            + [(each, f"only {TRIED}") for each in (tried - raised).elements()]
        )
    ]
    title = f"{counted(lists[RAISED], 'alert')} raised, {lists[TRIED]} under these policies, {lists[BOTH]} in both"
    out.print(table(title, ("date", "company", "policy", "status", "in"), rows, records=True))
    columns = ("company", "fired", "would fire", "in both", f"only {RAISED}", f"only {TRIED}")
    differences = found.differences()
    out.print("", table("Difference by company", columns, differences, records=True), sep="\n")


def print_tried(found: Tried) -> None:
    """For machines: an object for each alert of each list, then one for each company."""
    for name, alerts in (("raised", found.raised), ("tried", found.tried)):
        for alert in alerts:
            print_json({"kind": "alert", "list": name, **stored_alert_json(alert)})
    for each in found.differences():
        print_json({"kind": "company", **each._asdict()})
