"""Files of policies and companies: YAML with one meaning for each key, read whole or not at all."""

from pathlib import Path

import pytest

from deploy.reference_files import WrongFile, read_companies, read_policies
from schemas.records import Baseline
from streams.core.dates import day

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
    pytest.param("--- 1\n--- 2", "YAML", id="two documents"),
    pytest.param("- !!python/object:os.system {}", "YAML", id="a tag that would run something"),
    pytest.param("- \x01", "YAML", id="a control character"),
    pytest.param("- &a [*a]", "entry 1", id="a list that has itself in it"),
    pytest.param("[" * 5000, "YAML", id="nested too deep"),
    pytest.param(P.replace("2000", "1" * 5000), "YAML", id="a number of 5000 digits"),
]
WRONG_COMPANIES = [
    pytest.param("- company_id: C1\n  kbli: 15201\n", "kbli", id="a KBLI without quotes"),
    pytest.param("- company_id: 123\n", "company_id", id="a company_id without quotes"),
    pytest.param('- company_id: "C\\ud800"\n', "company_id", id="half a character"),
    pytest.param("- company_id: C1\n  name: 2025-01-01\n", "name", id="a name that YAML takes for a date"),
    pytest.param("- company_id: C1\n- company_id: C1\n", "entry 2", id="a repeated id"),
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
