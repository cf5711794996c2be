"""What must be known of a run wherever one is in it: that it is gone, or may not be seen."""

from __future__ import annotations

from typing import Final

from gymtui.session.replay import ReplaySession
from gymtui.session.session import Session
from gymtui.store.formats import duration
from gymtui.tui.kit.styled_text import Cell, StyledText

DELETED: Final = "this run was deleted"
NOT_RECORDED: Final = "this run's rollouts were not recorded by then"


def run_marks(session: Session, run_id: str) -> Cell:
    """What to say after a run's name: deleted, being cancelled or deleted, forbidden."""
    row = session.store.runs.get(run_id)
    if row is None or row.is_deleted:
        return (StyledText(f"  {DELETED}", "warning"),)
    words = [row.intent.under_way] if row.intent is not None else []
    words += ["forbidden"] if session.poller.forbidden_s(run_id) is not None else []
    return tuple(StyledText(f"  {word}", "warning") for word in words)


def why_empty(session: Session, run_id: str) -> str | None:
    """Why nothing is listed of a run, where that is no matter of time."""
    row = session.store.runs.get(run_id)
    if row is None or row.is_deleted:
        return DELETED
    if isinstance(session, ReplaySession) and not session.store.knows_rollouts_of(run_id):
        return NOT_RECORDED
    wait_s = session.poller.forbidden_s(run_id)
    if wait_s is None:
        return None
    return f"forbidden: the gym answers 403 for this run's rollouts; retry {_retry_words(wait_s)}"


def _retry_words(wait_s: float) -> str:
    # In whole minutes, so that it moves rarely.
    return f"in {duration(60 * -(-wait_s // 60)).removesuffix('00s')}" if wait_s else "now"
