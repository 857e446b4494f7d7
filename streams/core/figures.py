"""The figures of a company on its business date (SEMANTICS 5), computed when they are asked for. Reading them changes
nothing."""

from schemas.records import WINDOW_DAYS, Figures
from streams.core.company import CompanyBook
from streams.core.counting import windows
from streams.core.rules import ratio_bp
from streams.core.tally import headcounts
from streams.core.watch import statuses


def figures(company: CompanyBook) -> Figures:
    counted = headcounts(company.counted)
    counts = counted.counts
    return Figures(
        company_id=company.company_id,
        as_of=company.today,
        active=counts.active,
        covered=counts.covered,
        uncovered_new=counts.uncovered_new,
        enrolled=counted.enrolled,
        by_employment_type=counted.by_employment_type,
        coverage_bp=ratio_bp(counts.covered, counts.active),
        coverage_due_bp=ratio_bp(counts.covered, counts.active - counts.uncovered_new),
        windows=windows(company, counts, WINDOW_DAYS),
        policies=statuses(company),
    )
