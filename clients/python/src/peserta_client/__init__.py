"""A client of Peserta: typed facts and ways to send them, for payroll systems; figures and alerts, for readers.

This package imports nothing from the service. Tests of the service compare the two.
"""

from peserta_client.alerts import Alert, UnreadableAlert
from peserta_client.answers import FactsRefused, Published, PublishingFailed, RefusedFact, Rejected, Unavailable
from peserta_client.facts import Correction, Enrollment, Fact, Hire, Termination, new_event_id
from peserta_client.fates import FactFate, FactRecord, Place
from peserta_client.following import FollowedAlert, UnreadableAnswer
from peserta_client.lines import read_fact
from peserta_client.publishing import AsyncPublisher, Publisher
from peserta_client.reading import AlertPage, AsyncReader, Reader
from peserta_client.retrying import RetryPolicy
from peserta_client.rules import InvalidFact

__all__ = [
    "Alert",
    "AlertPage",
    "AsyncPublisher",
    "AsyncReader",
    "Correction",
    "Enrollment",
    "Fact",
    "FactFate",
    "FactRecord",
    "FactsRefused",
    "FollowedAlert",
    "Hire",
    "InvalidFact",
    "Place",
    "Published",
    "Publisher",
    "PublishingFailed",
    "Reader",
    "RefusedFact",
    "Rejected",
    "RetryPolicy",
    "Termination",
    "Unavailable",
    "UnreadableAlert",
    "UnreadableAnswer",
    "new_event_id",
    "read_fact",
]
