"""What a payroll system uses to report to Peserta: typed facts, and ways to send them.

This package imports nothing of the service. Tests of the service compare both.
"""

from peserta_client.facts import Correction, Enrollment, Fact, Hire, Termination, new_event_id
from peserta_client.lines import read_fact
from peserta_client.rules import InvalidFact

__all__ = [
    "Correction",
    "Enrollment",
    "Fact",
    "Hire",
    "InvalidFact",
    "Termination",
    "new_event_id",
    "read_fact",
]
