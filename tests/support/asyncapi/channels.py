"""The public topics in words: who writes, who reads, what the key is. Sizes and retention are in the topic table."""

from typing import Final, NamedTuple

from schemas.topics import (
    ALERTS,
    CLOCK,
    COMPANIES,
    DEAD_LETTERS,
    FACTS,
    GENERATIONS,
    HANDLING,
    JOURNAL,
    KEYS,
    LEDGER,
    NOTICE_ORDERS,
    NOTICES,
    POLICIES,
    SNAPSHOTS,
    SUBSCRIPTIONS,
    TOKEN_KEYS,
)

RECEIVE: Final = "receive"
SEND: Final = "send"


class Channel(NamedTuple):
    """A topic. `action` is the service's: it receives what others write, and sends what others read.

    `subjects` are those of the registry (`schemas.registry`), none for JSON; `worker` reads or writes the topic.
    """

    topic: str
    name: str
    action: str
    worker: str
    title: str
    text: str
    key: str
    subjects: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Who of the service reads or writes the topic."""
        verb = "read" if self.action == RECEIVE else "write"
        return f"The {self.worker} {verb if ' and ' in self.worker else verb + 's'} this topic."


CHANNELS: Final = (
    Channel(
        FACTS,
        "facts",
        RECEIVE,
        "recorder",
        "Facts about workers",
        "Payroll systems publish who is hired, leaves and is enrolled. Each record ends in exactly one disposition. "
        "Sending a fact again is safe: its `event_id` counts once.",
        "`company_id`; another key is refused (`key_mismatch`)",
        ("hire", "termination", "enrollment", "correction"),
    ),
    Channel(
        COMPANIES,
        "companies",
        RECEIVE,
        "recorder",
        "Registry of companies",
        "The last record of a key is the entry of that company. A record without a value removes the entry. "
        "`peserta companies apply` writes it.",
        "`company_id`",
        ("company",),
    ),
    Channel(
        POLICIES,
        "policies",
        RECEIVE,
        "recorder",
        "Policies",
        "The last record of a key is the policy in force. A record without a value ends the policy. "
        "`peserta policies apply` writes it.",
        "`policy_id`",
        ("policy",),
    ),
    Channel(
        JOURNAL,
        "journal",
        SEND,
        "recorder",
        "Journal",
        "Every entry that the book depends on, in the order of recording. A reader passes over an entry whose source "
        "coordinates are not above those already seen for its source.",
        "that of the record that the entry came from; `@clock` for a Tick",
        ("journal-fact", "journal-company-set", "journal-policy-set", "journal-policy-ended", "journal-tick"),
    ),
    Channel(
        LEDGER,
        "ledger",
        SEND,
        "book-keeper",
        "Ledger",
        "What each fact of the journal did: its disposition and its postings, chained by SHA-256.",
        "`company_id`",
        ("ledger",),
    ),
    Channel(
        SNAPSHOTS,
        "snapshots",
        SEND,
        "book-keeper",
        "Figures of companies",
        "The figures of a company on its business date. At least one record follows the last entry that changed the "
        "company; how many come before depends on batching.",
        "`company_id`",
        ("snapshot",),
    ),
    Channel(
        ALERTS,
        "alerts",
        SEND,
        "book-keeper",
        "Alerts",
        "A company crossed the threshold of a policy, or came back. `alert_id` and `status` together identify an "
        "alert. No alert carries the id of a worker.",
        "`company_id`",
        ("alert",),
    ),
    Channel(
        DEAD_LETTERS,
        "deadLetters",
        SEND,
        "recorder and book-keeper",
        "Dead letters",
        "Every refused record, with its reason and its original bytes. Of a record with a national id only the lengths "
        "are there.",
        "source coordinates, `topic/partition/offset`",
        ("dead-letter",),
    ),
    Channel(
        GENERATIONS,
        "generations",
        SEND,
        "commands `peserta topics create` and `peserta rebuild`",
        "Generations of the book",
        "Which generation is current, as JSON. A consumer of alerts, snapshots or the ledger learns here which topic "
        "to read after a rebuild.",
        "`standing` or `begun`",
        (),
    ),
)
# Topics that only the service itself uses. Their records may change with any release.
INTERNAL: Final = (CLOCK, KEYS, TOKEN_KEYS, SUBSCRIPTIONS, NOTICES, NOTICE_ORDERS, HANDLING)
