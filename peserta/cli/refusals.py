"""What a data directory or a book is not for, as the sentence and exit code of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from peserta.cli.local_stack import NotNew
from peserta.operations.discovery import addresses_of
from peserta.operations.failure import Rejected, Unfit
from peserta.operations.occupied import LOCK_NAME, ORPHANS_LIMIT_S, Occupied
from peserta.operations.opened import OpenedOtherwise
from peserta.operations.remembered import Unreadable


@contextmanager
def refusals() -> Iterator[None]:
    """Failed for what somebody else has or was opened otherwise (78), and for what is not new (2)."""
    try:
        yield
    except Occupied as error:
        raise Unfit(who_has(error)) from error
    except NotNew as error:
        raise Rejected(str(error)) from error
    except (OpenedOtherwise, Unreadable) as error:
        raise Unfit(str(error)) from error


def who_has(error: Occupied) -> str:
    """Who has the data directory, how it is reached, and what to do."""
    if error.holder is None:
        return (
            f"What a command that was killed has started on {error.folder} still runs after {ORPHANS_LIMIT_S:.0f} s. "
            f"`fuser {error.folder / LOCK_NAME}` names it: end it, and start again."
        )
    holder = error.holder
    reached = addresses_of(error.folder, holder.pid)
    found = (
        f" It is reached at {reached}; commands with this PESERTA_DATA_DIR find it by themselves." if reached else ""
    )
    return (
        f"`{holder.command}` runs on {error.folder} already: process {holder.pid}, since {holder.since}.{found} "
        f"Nothing was touched. End it first (Ctrl-C there, or `kill {holder.pid}`), or take another PESERTA_DATA_DIR."
    )
