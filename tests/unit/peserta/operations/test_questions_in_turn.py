"""Which companies are asked about together."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from peserta.operations.questions_in_turn import IDS_BYTES_MAX, RECORDS_MAX, id_size, turns_of

few, many = st.integers(1, 2000), st.integers(RECORDS_MAX // 3, 2 * RECORDS_MAX)
companies = st.dictionaries(st.text("aé🙂", min_size=1, max_size=64), few | many, max_size=30)


@given(companies)
def test_every_company_has_its_turn_and_no_turn_could_have_had_the_next_one_too(records: dict[str, int]) -> None:
    turns = turns_of(records.items())

    assert list(chain(*turns)) == list(records)
    assert all(len(turn) == 1 or sum(records[each] for each in turn) <= RECORDS_MAX for turn in turns)
    for turn, following in pairwise(turns):
        assert sum(records[each] for each in (*turn, following[0])) > RECORDS_MAX


def test_the_ids_of_a_turn_fit_into_a_parameter() -> None:
    ids = [f"{number:05}{'é' * 59}" for number in range(5_000)]
    turns = turns_of((company_id, 1) for company_id in ids)

    assert list(chain(*turns)) == ids
    sizes = [sum(map(id_size, turn)) for turn in turns]
    assert len(turns) > 1
    assert all(len(" ".join(turn).encode()) < size <= IDS_BYTES_MAX for turn, size in zip(turns, sizes, strict=True))
    assert all(size > IDS_BYTES_MAX - 2 * id_size(ids[0]) for size in sizes[:-1])
