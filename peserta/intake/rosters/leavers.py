"""Who may be ended: a filtered or truncated sheet must not end a company (SEMANTICS 11)."""

from typing import Final

from peserta.intake.rosters.comparison import Comparison

UNCONFIRMED_MAX: Final = 5  # leavers
UNCONFIRMED_SHARE_MAX_PERCENT: Final = 10  # of those inside at the end of the day


class LeaversUnconfirmed(Exception):
    """More leave than a roster may end by itself, or another number of them was confirmed."""

    def __init__(self, leavers: int, inside: int, confirmed: int | None) -> None:
        super().__init__(leavers, inside, confirmed)
        self.leavers, self.inside, self.confirmed = leavers, inside, confirmed


def needs_confirmation(comparison: Comparison) -> bool:
    """Whether more leave than 10 % of those inside, and more than 5."""
    leavers = len(comparison.leavers)
    return leavers > UNCONFIRMED_MAX and leavers * 100 > comparison.inside * UNCONFIRMED_SHARE_MAX_PERCENT


def check_leavers(comparison: Comparison, confirmed: int | None) -> None:
    """LeaversUnconfirmed unless these leavers may be ended.

    A number that is confirmed must be the exact one. So that a command that was interrupted can be said again, the
    number of all whom the roster ends is right too, those whom it has ended already included.
    """
    leavers = len(comparison.leavers)
    if confirmed is None:
        is_right = not needs_confirmation(comparison)
    else:
        is_right = confirmed in (leavers, leavers + comparison.ended_before)
    if not is_right:
        raise LeaversUnconfirmed(leavers, comparison.inside, confirmed)
