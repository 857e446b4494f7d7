"""`peserta import --apply` on a real Kafka: a half-applied sheet is completed, and another key is refused."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from peserta.intake.tokens import make_key
from peserta.settings import Settings
from tests.kafka.test_publish import ends_of, service, settings
from tests.support.installation import RestartingService
from tests.support.sheets import NIKS, csv_file

__all__ = ["service", "settings"]

HEADER = ["NIK", "NPP", "Jenis", "Tanggal", "Status Kerja"]


def imported(settings: Settings, *arguments: Any) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "peserta", "import", *map(str, arguments)],
        env={**os.environ, **settings.environment()}, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert not any(nik in done.stdout + done.stderr for nik in NIKS)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(240)
def test_a_half_applied_sheet_is_completed_and_another_key_must_be_meant(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    key, other = tmp_path / "key", tmp_path / "other"
    make_key(key)
    make_key(other)
    rows = [[nik, "C1", "masuk", "2025-10-01", "PKWT"] for nik in NIKS[:6]]
    # The facts that a killed command had sent.
    half = imported(settings, csv_file(tmp_path, [HEADER, *rows[:2]]), "--token-key", key, "--apply")
    assert half[0] == 0, half[1]
    code, said = imported(settings, csv_file(tmp_path, [HEADER, *rows]), "--token-key", key, "--apply")
    assert code == 0, said
    assert ["applied", "4"] in [line.split() for line in said.splitlines()]
    assert ["known", "already", "(duplicate)", "2"] in [line.split() for line in said.splitlines()]
    before = ends_of(settings, settings.topics.facts)
    code, said = imported(settings, tmp_path / "sheet.csv", "--token-key", other, "--apply")
    assert (code, "another key" in said) == (2, True), said
    assert ends_of(settings, settings.topics.facts) == before
    code, said = imported(settings, tmp_path / "sheet.csv", "--token-key", other, "--apply", "--new-key")
    assert code == 0, said
    assert imported(settings, tmp_path / "sheet.csv", "--token-key", key, "--apply")[0] == 2
