"""Fields of a multipart body: how clickhouse-connect sends a query whose parameters are too long for an address."""

from email.parser import BytesParser
from email.policy import HTTP

from deploy.embedded.clickhouse.query import EngineError

NOT_IMPLEMENTED = 48
BAD_ARGUMENTS = 36


def is_form(content_type: str) -> bool:
    """Whether a body of this type has fields."""
    return content_type.startswith("multipart/")


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a body by name, as text. EngineError for a body of another form, and for an external table."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise EngineError(NOT_IMPLEMENTED, "External tables are not taken. (NOT_IMPLEMENTED)")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            break
        fields[name] = content.decode()
    if not fields or message.defects:
        raise EngineError(BAD_ARGUMENTS, "The multipart body has no fields, or is cut off. (BAD_ARGUMENTS)")
    return fields
