"""Files of policies and companies: YAML with one meaning for each key, read whole or not at all."""

from pathlib import Path

import pytest

from peserta.intake.reference_files import WrongFile, read_companies, read_policies
from schemas.dates import day
from schemas.records import Baseline, Policy

P = "- policy_id: P1\n  threshold_bp: 2000\n  effective_from: 2025-01-01\n"
WRONG_POLICIES = [
    pytest.param(P + "  threshold_bp: 3000\n", "threshold_bp", id="a key that stands twice"),
    pytest.param("- {policy_id: P1, 'policy_id': P2}", "policy_id", id="a key that stands twice, in a line"),
    pytest.param("- a: {b: 1, b: 2}", "'b' stands twice", id="a key that stands twice further in"),
    pytest.param(P.replace("2025-01-01", "2025-02-30"), "effective_from", id="a date that is none"),
    pytest.param(P.replace("2025-01-01", "2025-01-01 00:00:00"), "effective_from", id="an instant for a date"),
    pytest.param(P + "  title: 2025\n", "title", id="a text that YAML takes for a number"),
    pytest.param(P + "  title: yes\n", "title", id="a text that YAML takes for true"),
    pytest.param(P + "  hold: 3\n", "hold", id="an unknown key"),
    pytest.param(P + P, "entry 2", id="a repeated id"),
    pytest.param(P.replace("2000", "2_000.5"), "threshold_bp", id="a fraction"),
    pytest.param("policy_id: P1", "list", id="a mapping for a list"),
    pytest.param("- [", "YAML", id="cut off"),
    pytest.param("- a: 1\n b: 2", "YAML", id="wrong indentation"),
    pytest.param("--- 1\n--- 2", "second document", id="two documents"),
    pytest.param("- !!python/object:os.system {}", "tag", id="a tag that would run something"),
    pytest.param("- \x01", "YAML", id="a control character"),
    pytest.param("- &a [*a]", "entry 1", id="a list that has itself in it"),
    pytest.param("[" * 5000, "nested too deep", id="nested too deep"),
    pytest.param(P.replace("2000", "1" * 5000), "threshold_bp: must lie in 0 to", id="a number of 5000 digits"),
    pytest.param(
        P.replace("2000", "06000"),
        "threshold_bp: must be a whole number in decimal digits, not 06000: write 6000",
        id="octal in YAML 1.1",
    ),
    pytest.param(P.replace("2000", "0_6_000"), "write 6_000", id="a zero and an underscore before it"),
    pytest.param(P.replace("2000", "00"), "not 00: write 0.", id="zeros"),
    pytest.param(
        P + "  hold_days: 010\n",
        "entry 1 ('P1'): hold_days: must be a whole number in decimal digits, not 010: write 10",
        id="010",
    ),
    *[
        pytest.param(
            P.replace("2000", number),
            f"threshold_bp: must be a whole number in decimal digits, not {number}",
            id=number,
        )
        for number in (
            "0x7D0",
            "0o3720",
            "0b11",
            "1:40",
            "1:40:00",
            "1e3",
            "1E+3",
            "+5",
            "-5",
            "2000.0",
            ".5",
            ".inf",
            "-.Inf",
            ".nan",
            "2000_",
            "2__000",
            "No",
            "true",
            "2025-01-01",
        )
    ],
    pytest.param(
        P.replace("2000", '"2000"'),
        "threshold_bp: must be a whole number in decimal digits, not '2000'",
        id="a number in quotes",
    ),
    pytest.param(P.replace("2000", "20%"), "not '20%'", id="per cent"),
    pytest.param(P.replace("2000", "~"), "not nothing", id="null for a number"),
    pytest.param(
        P.replace("2025-01-01", "2025-1-1"), "effective_from: must be a date, YYYY-MM-DD", id="a date without zeros"
    ),
    pytest.param(
        P.replace("2025-01-01", "20250101"), "effective_from: must be a date, YYYY-MM-DD", id="a date without dashes"
    ),
    pytest.param(
        "- &a\n  policy_id: p\n- <<: *a\n  policy_id: q\n",
        "line 3: entry 2 ('q'): merge keys (<<) are not taken: write the fields out",
        id="a merge key",
    ),
    pytest.param("- ? [a]\n  : 1\n", "line 1: entry 1: a key must be a word", id="a list as a key"),
    pytest.param("- ? {a: 1}\n  : 1\n", "a key must be a word", id="a mapping as a key"),
    pytest.param(P + "  7: 1\n", "line 4: entry 1 ('P1'): 7: is no field", id="a number as a key"),
    pytest.param(
        P + "  scope: {regencies: [Batam], regencies: [Jepara]}\n",
        "line 4: entry 1 ('P1'): scope.regencies: the key 'regencies' stands twice",
        id="a key twice in a field",
    ),
    pytest.param(P + "---\n" + P, "line 4: has a second document (---)", id="a second list"),
    pytest.param("- !!str p\n", "line 1: has a tag (!...)", id="a tag of YAML itself"),
    pytest.param("- policy_id: ! p\n", "line 1: has a tag (!...)", id="a tag without a name"),
    pytest.param("- *a\n", "undefined alias", id="an alias of nothing"),
]
WRONG_COMPANIES = [
    pytest.param("- company_id: C1\n  kbli: 15201\n", "kbli", id="a KBLI without quotes"),
    pytest.param("- company_id: 123\n", "company_id", id="a company_id without quotes"),
    pytest.param('- company_id: "C\\ud800"\n', "company_id", id="half a character"),
    pytest.param("- company_id: C1\n  name: 2025-01-01\n", "name", id="a name that YAML takes for a date"),
    pytest.param("- company_id: C1\n- company_id: C1\n", "line 2: entry 2 ('C1'): company_id", id="a repeated id"),
    *[
        pytest.param(
            f"- company_id: C1\n  regency: {text}\n",
            f"line 2: entry 1 ('C1'): regency: must be text, not {text}: write it in quotes (\"{text}\")",
            id=f"{text} for a text",
        )
        for text in (
            "No",
            "yes",
            "on",
            "OFF",
            "y",
            "N",
            "True",
            "01111",
            "01589",
            "0x1F",
            "0o17",
            "1:40",
            "1e3",
            "1.5",
            "-5",
            "+62",
            ".inf",
            "2025-01-01",
            "1_",
            "=",
            "<<",
        )
    ],
    pytest.param("- company_id: C1\n  name: 2025-01-01 10:00:00\n", "name: must be text", id="an instant for a text"),
    pytest.param(
        "- company_id: C1\n  baselines:\n  - {date: 2024-01-01, active: 3, covered: 1}\n"
        "  - active: 3\n    covered: 03\n"
        "    date: 2024-02-01\n",
        "line 5: entry 1 ('C1'): baselines.covered: must be a whole number in decimal digits, not 03: write 3",
        id="in the second baseline",
    ),
    pytest.param(
        "- company_id: C1\n  baselines: [{date: 2025-13-01, active: 1, covered: 1}]", "baselines.date", id="month 13"
    ),
]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "said"), WRONG_POLICIES)
def test_a_wrong_policy_file_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WrongFile) as wrong:
        read_policies(written(tmp_path, text))
    assert said in str(wrong.value) and "file.yaml" in str(wrong.value)


@pytest.mark.parametrize(("text", "said"), WRONG_COMPANIES)
def test_a_wrong_registry_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WrongFile) as wrong:
        read_companies(written(tmp_path, text))
    assert said in str(wrong.value) and "file.yaml" in str(wrong.value)


def test_dates_may_stand_in_quotes_or_without(tmp_path: Path) -> None:
    quoted = P.replace("2025-01-01", '"2025-01-01"')
    assert read_policies(written(tmp_path, quoted)) == read_policies(written(tmp_path, P))


def test_a_registry_is_read(tmp_path: Path) -> None:
    text = '- company_id: C1\n  kbli: "01111"\n  baselines:\n    - {date: 2024-02-29, active: 3, covered: 1}\n'
    (company,) = read_companies(written(tmp_path, text))
    assert (company.kbli, company.baselines) == ("01111", (Baseline(day("2024-02-29"), 3, 1),))


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]"])
def test_an_empty_file_declares_nothing(text: str, tmp_path: Path) -> None:
    assert read_policies(written(tmp_path, text)) == ()
    assert read_companies(written(tmp_path, text)) == ()


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"- \xff\xfe\xfa")
    with pytest.raises(WrongFile, match=r"file\.yaml"):
        read_policies(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="nowhere"):
        read_policies(tmp_path / "nowhere.yaml")


TAKEN = [
    pytest.param("threshold_bp: 6_000", "threshold_bp", 6_000, id="an underscore between digits"),
    pytest.param("threshold_bp: 6000", "threshold_bp", 6_000, id="digits"),
    pytest.param("hold_days: 0", "hold_days", 0, id="zero"),
    pytest.param("effective_until: 9999-12-31", "effective_until", day("9999-12-31"), id="for ever"),
    pytest.param("effective_until: ~", "effective_until", None, id="no end"),
    pytest.param("title: 3M Indonesia", "title", "3M Indonesia", id="a text that begins with a digit"),
    pytest.param("title: 12-34-56", "title", "12-34-56", id="a text of digits and dashes"),
    pytest.param("title: Nopember", "title", "Nopember", id="a text that begins like a truth"),
    pytest.param("title: |-\n    No", "title", "No", id="a block of text"),
    pytest.param("title: 'No'", "title", "No", id="quotes of one kind"),
    pytest.param('title: "06000"', "title", "06000", id="quotes of the other"),
]


@pytest.mark.parametrize(("line", "field", "value"), TAKEN)
def test_what_is_taken_has_the_value_that_stands_there(line: str, field: str, value: object, tmp_path: Path) -> None:
    base = "- policy_id: P1\n  effective_from: 2025-01-01\n" + ("" if "threshold" in line else "  threshold_bp: 1\n")
    (policy,) = read_policies(written(tmp_path, f"{base}  {line}\n"))
    assert getattr(policy, field) == value


def test_an_alias_repeats_what_it_names(tmp_path: Path) -> None:
    text = P + "  required: &all [JKK, JKM, JHT]\n" + P.replace("P1", "P2") + "  required: *all\n"
    one, two = read_policies(written(tmp_path, text))
    assert one.required == two.required != Policy("P", 1, 1).required


@pytest.mark.parametrize("levels", [6, 9, 60])
def test_aliases_repeat_so_much_and_no_more(levels: int, tmp_path: Path) -> None:
    lists = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lists += [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    with pytest.raises(WrongFile, match="line 5: repeats more than 100000 values by its aliases"):
        read_policies(written(tmp_path, "\n".join(lists)))


def test_lists_that_are_nested_by_aliases_end_too(tmp_path: Path) -> None:
    lists = ["- &a0 x"] + [f"- &a{n} {'[' * 90}*a{n - 1}{']' * 90}" for n in range(1, 40)]
    with pytest.raises(WrongFile):
        read_policies(written(tmp_path, "\n".join(lists)))


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert read_policies(written(tmp_path, "\ufeff" + P)) == read_policies(written(tmp_path, P))


def test_an_address_that_the_library_refuses_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "companies.yaml"
    path.write_text("- company_id: C1\n  contacts:\n  - call the gate\n  - {name: Sri, email: sri..x@pt.example}\n")
    with pytest.raises(
        WrongFile, match=r"line 4: entry 1 \('C1'\): contacts.email: must be an e-mail address"
    ) as wrong:
        read_companies(path)
    assert "Nothing of the file was taken" in str(wrong.value)
    path.write_text(path.read_text().replace("..", "."))
    (company,) = read_companies(path)
    assert company.team[0].email == "sri.x@pt.example"
