"""The files of the dashboards, as they should be."""

import json
from pathlib import Path
from typing import Final

from tests.support.dashboards.of_figures import COMPANY, PROVINCE, QUALITY
from tests.support.dashboards.of_service import SERVICE

COMMAND: Final = "python -m tests.support.dashboards"
FOLDER: Final = Path(__file__).parents[3] / "deploy" / "grafana" / "dashboards"
DASHBOARDS: Final = (PROVINCE, COMPANY, QUALITY, SERVICE)


def written() -> dict[Path, str]:
    """Path -> text of each dashboard's file."""
    return {
        FOLDER / f"{each.uid}.json": json.dumps(each.json(), indent=2, ensure_ascii=False) + "\n" for each in DASHBOARDS
    }
