"""E-mail addresses as people write them into files: their syntax is checked, and nobody is asked about them."""

from email_validator import EmailNotValidError, validate_email

from streams.core.reference_rules import Broken, address, shown


def checked_address(text: str) -> str:
    """The address, as it was written. Raises Broken if it is none."""
    address(text)
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Broken("must be an e-mail address", f", not {shown(text)}: {_small(str(error))}") from error
    return text


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")
