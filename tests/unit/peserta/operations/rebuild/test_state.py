"""`rebuild --state` writes the state only if nothing else is wrong."""

import pytest

from peserta.operations.audit.partition import PartitionAudit
from peserta.operations.failure import Failed
from peserta.operations.rebuild.state import refuse_differing_outputs
from tests.support.book_in_memory import SETTINGS, TOPICS, BookInMemory, kept_book


@pytest.fixture(scope="module")
def well() -> BookInMemory:
    return kept_book()


async def audited(book: BookInMemory) -> PartitionAudit:
    audit = PartitionAudit(SETTINGS, book.topics, 0)
    refuse_differing_outputs(await audit.run())
    return audit


async def test_a_lost_state_is_folded_up_to_where_the_outputs_are(well: BookInMemory) -> None:
    book = well.without_state()
    book.stored(SETTINGS.changelog, 0).clear()
    before, after = await audited(well), await audited(book)
    assert before.stands_at is not None
    assert (after.stands_at, after.stored) == (None, {})
    assert after.expected.rows == before.stored


@pytest.mark.parametrize("topic", [TOPICS.ledger, TOPICS.alerts])
async def test_it_is_refused_where_an_output_is_wrong_too(well: BookInMemory, topic: str) -> None:
    book = well.without_state()
    book.stored(SETTINGS.changelog, 0).clear()
    del book.stored(topic, 0)[0]
    with pytest.raises(Failed, match="not only the state differs"):
        await audited(book)
