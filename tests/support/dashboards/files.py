"""The files of the dashboards, as they should be."""

import json
from pathlib import Path
from typing import Final

from tests.support.dashboards.of_alerts import provisioned
from tests.support.dashboards.of_figures import COMPANY, PROVINCE, QUALITY
from tests.support.dashboards.of_service import SERVICE

COMMAND: Final = "python -m tests.support.dashboards"
FOLDER: Final = Path(__file__).parents[3] / "deploy" / "grafana" / "dashboards"
ALERTING: Final = FOLDER.parent / "provisioning" / "alerting" / "peserta.json"
DASHBOARDS: Final = (PROVINCE, COMPANY, QUALITY, SERVICE)


def written() -> dict[Path, str]:
    """Path -> text of each dashboard's file, and of the alert rules."""
    files = {FOLDER / f"{each.uid}.json": each.json() for each in DASHBOARDS} | {ALERTING: provisioned()}
    return {path: json.dumps(made, indent=2, ensure_ascii=False) + "\n" for path, made in files.items()}
