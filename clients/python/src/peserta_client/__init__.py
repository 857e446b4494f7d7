"""A client for payroll systems that report to Peserta: typed facts, and ways to send them.

This package imports nothing from the service. Tests of the service compare the two.
"""

from peserta_client.answers import FactsRefused, Published, PublishingFailed, RefusedFact, Rejected, Unavailable
from peserta_client.facts import Correction, Enrollment, Fact, Hire, Termination, new_event_id
from peserta_client.fates import FactFate, FactRecord, Place
from peserta_client.lines import read_fact
from peserta_client.publishing import AsyncPublisher, Publisher
from peserta_client.retrying import RetryPolicy
from peserta_client.rules import InvalidFact

__all__ = [
    "AsyncPublisher",
    "Correction",
    "Enrollment",
    "Fact",
    "FactFate",
    "FactRecord",
    "FactsRefused",
    "Hire",
    "InvalidFact",
    "Place",
    "Published",
    "Publisher",
    "PublishingFailed",
    "RefusedFact",
    "Rejected",
    "RetryPolicy",
    "Termination",
    "Unavailable",
    "new_event_id",
    "read_fact",
]
