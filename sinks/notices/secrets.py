"""The secrets that subscriptions name: each in a file, read at each use, so that changing one needs no restart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas.secret_file import SecretFault, read_secret

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)  # no name leads out of the folder
VARIABLE: Final = "PESERTA_NOTICE_SECRET_{}_FILE"


class NoSecret(Exception):
    """A secret cannot be had. The text names the secret, quotes nothing of it, and may be shown to anybody."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where secrets lie: in a folder, in files of the secrets' names, or in the files that variables name.

    `variables` are the process's environment. A variable comes first.
    """

    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str:
        """The secret as it is now. Raises NoSecret."""
        if not NAME.fullmatch(name):
            raise NoSecret("a secret's name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit")
        variable = variable_of(name)
        named = self.variables.get(variable)
        if named is None and self.folder is None:
            raise NoSecret(f"secret {name}: no folder of secrets is set, and no variable {variable}")
        path = Path(named) if named is not None else (self.folder or Path()) / name
        try:
            return read_secret(path)
        except SecretFault as fault:
            raise NoSecret(f"secret {name}: {str(fault).replace(str(path), 'its file')}") from None


def variable_of(name: str) -> str:
    """The variable that may name the file of this secret."""
    return VARIABLE.format(re.sub(r"[^A-Z0-9]", "_", name.upper()))
