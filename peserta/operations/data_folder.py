"""The folder in which this program keeps its data when no setting names one."""

import sys
from pathlib import Path

from pydantic_settings import BaseSettings


class _UserFolders(BaseSettings):
    """What the platform calls the folder of a user's programs: APPDATA on Windows, XDG_CONFIG_HOME elsewhere."""

    appdata: Path | None = None
    xdg_config_home: Path | None = None


def default_data_dir() -> Path:
    """The folder of this program among the user's, as Linux, macOS and Windows have it."""
    folders, home = _UserFolders(), Path.home()
    if sys.platform.startswith("win"):
        return (folders.appdata or home) / "peserta"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "peserta"
    return (folders.xdg_config_home or home / ".config") / "peserta"
