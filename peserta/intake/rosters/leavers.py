"""Limits on ending workers: a filtered or truncated sheet must not end a whole company (SEMANTICS 11)."""

from typing import Final

from peserta.intake.rosters.comparison import Comparison

UNCONFIRMED_MAX: Final = 5  # up to this many leavers need no confirmation
UNCONFIRMED_SHARE_MAX_PERCENT: Final = 10  # nor do leavers up to this share of those inside at the end of the day


class LeaversUnconfirmed(Exception):
    """More workers leave than a roster may end without confirmation, or another number was confirmed."""

    def __init__(self, leavers: int, inside: int, confirmed: int | None) -> None:
        super().__init__(leavers, inside, confirmed)
        self.leavers, self.inside, self.confirmed = leavers, inside, confirmed


def needs_confirmation(comparison: Comparison) -> bool:
    """Whether more leave than 10 % of those inside, and more than 5."""
    leavers = len(comparison.leavers)
    return leavers > UNCONFIRMED_MAX and leavers * 100 > comparison.inside * UNCONFIRMED_SHARE_MAX_PERCENT


def check_leavers(comparison: Comparison, confirmed: int | None) -> None:
    """Raises LeaversUnconfirmed unless these leavers may be ended.

    The confirmed number must be exact. The number of all workers that the roster ends, including those it has ended
    already, is accepted too, so that an interrupted command can be repeated.
    """
    leavers = len(comparison.leavers)
    if confirmed is None:
        is_right = not needs_confirmation(comparison)
    else:
        is_right = confirmed in (leavers, leavers + comparison.ended_before)
    if not is_right:
        raise LeaversUnconfirmed(leavers, comparison.inside, confirmed)
