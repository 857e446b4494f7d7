"""The public interface to Avro: the codecs of all topics, as this version writes them."""

from schemas.inbound import InboundCodec
from schemas.journal import JournalCodec
from schemas.outputs import OutputCodec
from schemas.wire import BadMagic, NotAvro, UnknownSchema, WireError

__all__ = ["BadMagic", "InboundCodec", "JournalCodec", "NotAvro", "OutputCodec", "UnknownSchema", "WireError"]
