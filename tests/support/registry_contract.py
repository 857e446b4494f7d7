"""What Peserta expects of a schema registry, asked of any: `python -m tests.support.registry_contract URL`."""

import asyncio
import json
import sys
import uuid
from typing import Final

import pytest

from schemas.registry import schema_text
from schemas.wire import wire_form
from streams.schema_registry.access import RegistryAccess
from streams.schema_registry.client import Declined, RegistryClient

ABSENT_ID: Final = 2_000_000_000
HIRE: Final = schema_text("hire.avsc")


async def check_registry(access: RegistryAccess) -> None:
    """Make each call in subjects that nobody else has. Raises AssertionError."""
    subject, other = f"{uuid.uuid4().hex}-value", f"{uuid.uuid4().hex}-value"
    # No other run has this text, so no other subject has it either.
    text = json.dumps({**HIRE, "doc": subject})
    async with RegistryClient(access) as registry:
        assert await registry.schema(ABSENT_ID) is None
        assert await registry.find(subject, text) is None
        assert await registry.compatibility(subject) is None
        assert await registry.incompatibility(subject, text) is None

        await registry.set_compatibility(subject, "FULL_TRANSITIVE")
        number = await registry.register(subject, text)
        assert await registry.compatibility(subject) == "FULL_TRANSITIVE"
        assert await registry.find(subject, text) == number
        assert await registry.register(subject, text) == number
        assert await registry.register(other, text) == number
        found = await registry.schema(number)
        assert found is not None and wire_form(found) == wire_form(text)

        narrower = json.dumps({**HIRE, "fields": [*HIRE["fields"][:-1], {"name": "grade", "type": "string"}]})
        assert await registry.find(subject, narrower) is None
        assert await registry.incompatibility(subject, narrower)
        with pytest.raises(Declined):
            await registry.register(subject, narrower)
        with pytest.raises(Declined):
            await registry.register(subject, '{"type":"nonsense"}')


if __name__ == "__main__":
    asyncio.run(check_registry(RegistryAccess(sys.argv[1])))
