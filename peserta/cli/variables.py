"""What the variables of an environment may not mean to say: names that are no settings, connections open to all."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from peserta.operations.failure import WrongSettings
from peserta.settings import OF_ACCESS, PREFIX, Settings, read_settings
from sinks.notices.secrets import VARIABLE

# No setting has these names, and each is read: the file of one secret that a subscription names.
OF_SECRETS: Final = re.compile(VARIABLE.format("[A-Z0-9_]+"))
OF_SECURITY: Final = re.compile(r"SASL|SSL|TLS|SECUR|CERT|CA_|PASSWORD|USERNAME|AUTH|KEYSTORE|TRUSTSTORE")


def unknown_variables(names: Iterable[str]) -> list[str]:
    """A sentence for each variable of an environment that looks like a setting and is none; no value is looked at."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = [name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known]
    return [_unknown(name, known) for name in sorted(unknown) if not OF_SECRETS.fullmatch(name)]


def exposed() -> list[str]:
    """A sentence for each connection of the environment to another machine that nobody has encrypted."""
    try:
        settings = read_settings()
    except WrongSettings:
        return []  # whoever needs the settings says so
    kafka, registry = settings.kafka, settings.schema_registry
    found = []
    if kafka.is_exposed:
        found.append(f"Connections to Kafka at {kafka} are not encrypted: {PREFIX}KAFKA_SECURITY is {kafka.security}.")
    if registry is not None and registry.is_exposed:
        found.append(f"The password of the schema registry at {registry} is sent without encryption: use https.")
    return found


def _of_access() -> list[str]:
    return [PREFIX + name.upper() for name in OF_ACCESS.values()]


def _unknown(name: str, known: set[str]) -> str:
    words, upper = f"{name} is no setting of Peserta and changes nothing.", name.upper()
    if OF_SECURITY.search(upper):
        if "CLICKHOUSE" in upper:
            return (
                f"{words} https:// and the user of ClickHouse belong in {PREFIX}CLICKHOUSE_URL, the name of the file "
                f"with the password in {PREFIX}CLICKHOUSE_PASSWORD_FILE."
            )
        if "REGISTRY" in upper:
            return (
                f"{words} https:// and the user of the schema registry belong in {PREFIX}SCHEMA_REGISTRY_URL, the name "
                f"of the file with the password in {PREFIX}SCHEMA_REGISTRY_PASSWORD_FILE."
            )
        return f"{words} The settings of connections to Kafka are {', '.join(_of_access())}."
    near = get_close_matches(upper.removeprefix(PREFIX), (each.removeprefix(PREFIX) for each in known), n=1)
    return f"{words} Is {PREFIX}{near[0]} meant?" if near else words
