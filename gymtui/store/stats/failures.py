"""The rollouts that went wrong, grouped by what they say, kept up to date rollout by rollout.

How words are folded is `store.stats.failure_reasons`; here each rollout's are folded once, since a
run of thousands is grouped again with every one that fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gymtui.api.models import Rollout
from gymtui.store.outcome import ERRORS, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failure_reasons import Reason, fold, reason_of

WRONG = frozenset({Outcome.FAILED, *ERRORS})
"""What is grouped by default: fails, and errors of every cause."""

BROKEN = frozenset({Outcome.ENVIRONMENT, Outcome.AGENT})
"""What went wrong by itself: neither the agent's failing at its task nor a person's cancel."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What is remembered of one rollout."""

    rollout: Rollout
    run_id: str
    outcome: Outcome
    words: str
    folded: str
    ended_at: datetime | None


class Failures:
    """Rollouts that went wrong, of one run or of many."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}

    def __len__(self) -> int:
        return len(self._said)

    def take(self, row: RolloutRow) -> bool:
        """Take a rollout in as it is now.

        Args:
            row: As last seen; one that did not go wrong is left out, or taken out again.

        Returns:
            Whether anything is grouped otherwise.
        """
        if row.rollout is None or row.outcome not in WRONG:
            return self.drop(row.rollout_id)
        known = self._said.get(row.rollout_id)
        if known is not None and known.rollout is row.rollout and known.outcome is row.outcome:
            return False
        silent = "cancelled" if row.outcome is Outcome.CANCELLED else "no reason given"
        words = reason_of(row.rollout, row.outcome) or silent
        self._said[row.rollout_id] = _Said(
            row.rollout, row.run_id, row.outcome, words, fold(words), ended_at(row.rollout)
        )
        return True

    def drop(self, rollout_id: str) -> bool:
        """Take a rollout out; whether it was in."""
        return self._said.pop(rollout_id, None) is not None

    def keep(self, rollout_ids: Iterable[str]) -> bool:
        """Take out all but these; whether that were any."""
        gone = self._said.keys() - set(rollout_ids)
        for rollout_id in gone:
            del self._said[rollout_id]
        return bool(gone)

    def groups(
        self, outcomes: frozenset[Outcome] = WRONG, *, since: datetime | None = None
    ) -> tuple[Reason, ...]:
        """Group them by their words.

        Args:
            since: Only those that ended at this time or later; one that nobody knows the end of
                is then left out.

        Returns:
            The largest group first; equal ones by their words, so that they keep their places.
        """
        found: dict[tuple[Outcome, str], list[tuple[str, _Said]]] = {}
        for rollout_id, said in self._said.items():
            if said.outcome not in outcomes:
                continue
            if since is not None and (said.ended_at is None or said.ended_at < since):
                continue
            found.setdefault((said.outcome, said.folded), []).append((rollout_id, said))
        reasons = [
            Reason(
                text=folded,
                outcome=outcome,
                example=members[0][1].words,
                rollout_ids=tuple(rollout_id for rollout_id, _ in members),
                run_ids=tuple(dict.fromkeys(said.run_id for _, said in members)),
            )
            for (outcome, folded), members in found.items()
        ]
        return tuple(sorted(reasons, key=lambda reason: (-len(reason.rollout_ids), reason.text)))


def ended_at(rollout: Rollout) -> datetime | None:
    """When a rollout that is over ended, by its own field or its status events.

    Returns:
        The server's time; None where it says nothing, since when it was first seen so may be
        hours later.
    """
    if rollout.completed_at is not None:
        return rollout.completed_at
    times = [
        event.timestamp
        for event in rollout.status_events or ()
        if event.timestamp is not None and event.status == rollout.status
    ]
    return max(times, default=None)
