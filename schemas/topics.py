"""The names of the topics. An installation may put a prefix before all of them. `peserta/operations` has retention.

The book-keeper's topics have a name for each generation of the book (`schemas.generation`); the first has no suffix.
"""

from dataclasses import dataclass

FACTS = "workforce.facts.v1"
COMPANIES = "coverage.companies.v1"
POLICIES = "coverage.policies.v1"
JOURNAL = "coverage.journal.v1"
LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
ALERTS = "coverage.alerts.v1"
DEAD_LETTERS = "workforce.dead-letters.v1"
GENERATIONS = "coverage.generations.v1"
CLOCK = "coverage.clock.v1"
KEYS = "peserta.keys.v1"
TOKEN_KEYS = "peserta.token-keys.v1"
SUBSCRIPTIONS = "peserta.subscriptions.v1"
NOTICES = "peserta.notices.v1"
NOTICE_ORDERS = "peserta.notice-orders.v1"
HANDLING = "peserta.alert-handling.v1"


def of_generation(name: str, generation: int, sign: str = ".g") -> str:
    """The name of a topic, table or the like in a generation of the book."""
    return name if generation == 1 else f"{name}{sign}{generation}"


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The names in one installation, as seen by one generation of its book."""

    prefix: str = ""
    generation: int = 1

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
        return self._of_book(LEDGER)

    @property
    def snapshots(self) -> str:
        return self._of_book(SNAPSHOTS)

    @property
    def alerts(self) -> str:
        return self._of_book(ALERTS)

    @property
    def dead_letters(self) -> str:
        """Dead letters of the recorder, and in the first generation those of the book-keeper."""
        return self.prefix + DEAD_LETTERS

    @property
    def book_letters(self) -> str:
        """Dead letters of the book-keeper."""
        return self._of_book(DEAD_LETTERS)

    @property
    def generations(self) -> str:
        return self.prefix + GENERATIONS

    @property
    def clock(self) -> str:
        """The topic to which a recorder with the wall clock writes to learn the broker's time."""
        return self.prefix + CLOCK

    @property
    def keys(self) -> str:
        """Keys of the HTTP door; no input of the book."""
        return self.prefix + KEYS

    @property
    def token_keys(self) -> str:
        """Marks of the keys that companies' people were imported with."""
        return self.prefix + TOKEN_KEYS

    @property
    def subscriptions(self) -> str:
        """Who is told of which alerts. This topic and the three that follow are no input of the book."""
        return self.prefix + SUBSCRIPTIONS

    @property
    def notices(self) -> str:
        """What was told to whom, and what became of it."""
        return self.prefix + NOTICES

    @property
    def notice_orders(self) -> str:
        """Requests by hand to send a notice again or to give it up."""
        return self.prefix + NOTICE_ORDERS

    @property
    def handling(self) -> str:
        """What people did about alerts."""
        return self.prefix + HANDLING

    def _of_book(self, name: str) -> str:
        return of_generation(self.prefix + name, self.generation)
