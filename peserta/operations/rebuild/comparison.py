"""The current generation, compared with its journal folded again by the code at hand; nothing is written."""

from dataclasses import dataclass

from peserta.operations.audit.findings import Finding
from peserta.operations.rebuild.run import Say, refold, views_published
from peserta.settings import Settings
from schemas.generation import FIRST


@dataclass(frozen=True, slots=True)
class Comparison:
    """`findings` of every partition; `views`: whether analysts read this generation, None for the first."""

    findings: tuple[Finding, ...]
    views: Finding | None

    @property
    def is_same(self) -> bool:
        """Whether this code folds the journal to the stored state and outputs, byte for byte."""
        return all(finding.holds for finding in self.findings)

    @property
    def is_published(self) -> bool:
        """Whether analysts see the current generation."""
        return self.views is None or self.views.holds


async def compare(settings: Settings, say: Say) -> Comparison:
    """Fold every partition again and compare it. Raises Failed if Kafka or ClickHouse does not answer."""
    partitions = await refold(settings, say)
    views = await views_published(settings) if settings.generation > FIRST else None
    return Comparison(tuple(finding for one in partitions for finding in one.findings), views)
