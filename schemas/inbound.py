"""Facts as publishers send them: Avro of four record types, to and from `Fact`."""

from typing import Final

from schemas.records import Fact
from schemas.registry import FixedRegistry, SchemaRegistry
from schemas.vocabulary import (
    ACTIONS,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    KINDS,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
)
from schemas.wire import Body, NotAvro, UnknownSchema, split_frame

SUBJECT_OF_KIND: Final = KINDS  # a kind's schema is named like the kind


class InboundCodec:
    """Encodes and decodes the facts of one schema registry."""

    def __init__(self, registry: SchemaRegistry | None = None) -> None:
        registry = registry or FixedRegistry()
        self._bodies: dict[int, tuple[int, Body]] = {}
        self._by_kind: list[Body] = []
        for kind, subject in enumerate(SUBJECT_OF_KIND):
            schema_id = registry.latest_id(subject)
            body = Body(schema_id, registry.schema(schema_id), enums=False)
            self._bodies[schema_id] = kind, body
            self._by_kind.append(body)

    def encode(self, fact: Fact) -> bytes:
        """The framed value of a fact."""
        fields = {
            "event_id": fact.event_id,
            "company_id": fact.company_id,
            "worker_id": fact.worker_id,
            "effective_on": fact.effective_on,
            "occurred_at": fact.occurred_at,
            "source": fact.source,
        }
        if fact.kind == HIRE:
            fields["employment_type"] = fact.detail
        elif fact.kind == TERMINATION:
            fields["reason"] = fact.detail
        elif fact.kind == ENROLLMENT:
            fields["action"] = 1 if fact.detail & WITHDRAWN else 0
            programmes = [i for i in range(len(PROGRAMMES)) if fact.detail >> i & 1]
            return self._by_kind[fact.kind].encode({**fields, "programmes": programmes})
        else:
            fields["corrects"] = fact.corrects
        return self._by_kind[fact.kind].encode(fields)

    def decode(self, value: bytes | None) -> tuple[Fact, bool]:
        """A framed value -> (fact whose values are not yet checked, whether encoding it again gives the same bytes).

        Raises BadMagic, UnknownSchema or NotAvro. An empty set of programmes comes back as a detail without any.
        """
        schema_id = split_frame(value)
        known = self._bodies.get(schema_id)
        if known is None or value is None:
            raise UnknownSchema
        kind, body = known
        fields = body.decode(value)
        detail, canonical, corrects = 0, True, ""
        if kind == HIRE:
            detail = _index(fields["employment_type"], len(EMPLOYMENT_TYPES))
        elif kind == TERMINATION:
            detail = _index(fields["reason"], len(TERMINATION_REASONS))
        elif kind == ENROLLMENT:
            last = -1
            for programme in fields["programmes"]:
                detail |= 1 << _index(programme, len(PROGRAMMES))
                canonical = canonical and programme > last
                last = programme
            if _index(fields["action"], len(ACTIONS)):
                detail |= WITHDRAWN
        elif kind == CORRECTION:
            corrects = fields["corrects"]
        fact = Fact(
            kind,
            detail,
            fields["event_id"],
            fields["company_id"],
            fields["worker_id"],
            fields["effective_on"],
            fields["occurred_at"],
            fields["source"],
            corrects,
        )
        return fact, canonical


def _index(index: int, symbols: int) -> int:
    if not 0 <= index < symbols:
        raise NotAvro
    return index
