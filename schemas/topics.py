"""The names of the topics; an installation may put a prefix before all of them. What each keeps: `deploy.topics`."""

from dataclasses import dataclass

FACTS = "workforce.facts.v1"
COMPANIES = "coverage.companies.v1"
POLICIES = "coverage.policies.v1"
JOURNAL = "coverage.journal.v1"
LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
ALERTS = "coverage.alerts.v1"
DEAD_LETTERS = "workforce.dead-letters.v1"


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The names in one installation."""

    prefix: str = ""

    @property
    def facts(self) -> str:
        return self.prefix + FACTS

    @property
    def companies(self) -> str:
        return self.prefix + COMPANIES

    @property
    def policies(self) -> str:
        return self.prefix + POLICIES

    @property
    def journal(self) -> str:
        return self.prefix + JOURNAL

    @property
    def ledger(self) -> str:
        return self.prefix + LEDGER

    @property
    def snapshots(self) -> str:
        return self.prefix + SNAPSHOTS

    @property
    def alerts(self) -> str:
        return self.prefix + ALERTS

    @property
    def dead_letters(self) -> str:
        return self.prefix + DEAD_LETTERS
