"""An access in the words of Faust, which makes the worker's consumer by itself."""

from typing import Any

from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options


def credentials_of(brokers: Brokers) -> Credentials | None:
    """The setting `broker_credentials`; None for a plain connection. Reads the files now; raises SecretFault."""
    options: dict[str, Any] = client_options(brokers)
    context = options.get("ssl_context")
    if "sasl_oauth_token_provider" in options:
        return OAuthCredentials(oauth_cb=options["sasl_oauth_token_provider"], ssl_context=context)
    if "sasl_mechanism" in options:
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)
