"""The rollouts that went wrong, grouped by criterion or message, kept up to date one by one.

What a rollout says is read by `store.stats.criteria` and `failure_reasons`; here each rollout's is
read once, since a run of thousands is grouped again with every one that fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from gymtui.api.models import Rollout
from gymtui.store.outcome import ERRORS, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.criteria import Criterion, criteria_of
from gymtui.store.stats.failure_reasons import fold, reason_of, silence_of
from gymtui.store.stats.task_rows import row_id_of

AT_ONCE = 500  # rollouts that are looked at before others get their turn: some 3 ms

FAILED_OUTCOMES = frozenset({Outcome.FAILED, *ERRORS})
"""What is grouped by default: fails, and errors of every cause."""

ERROR_OUTCOMES = frozenset({Outcome.ENVIRONMENT, Outcome.AGENT})
"""What went wrong by itself: neither the agent's failing at its task nor a person's cancel."""


class FailureView(StrEnum):
    """By what failures are grouped."""

    CRITERION = "criterion"
    MESSAGE = "message"


class FailureGroup(Struct, frozen=True):
    """Rollouts that failed alike."""

    # What they have in common; where all say the same, their own words. As the server wrote it
    # otherwise: clean it to draw it.
    text: str
    example: str  # the words of the first
    folded: str  # the same with placeholders, which names the group: `*`, `<id>`, `<time>`, `#`
    outcome: Outcome  # fails and the causes of errors are never one group
    rollout_ids: tuple[str, ...]  # in the order given
    run_ids: tuple[str, ...]  # the runs they belong to, each once, in the order given
    task_row_ids: tuple[str, ...]  # their tasks likewise, by `task_rows.row_id_of`
    guessed: bool = False  # whether the criterion was read out of messages

    @property
    def key(self) -> tuple[str, str]:
        """What names it while its members come and go."""
        return (str(self.outcome), self.folded.casefold())


class _Failed(Struct, frozen=True):
    """What is remembered of one rollout."""

    rollout: Rollout
    run_id: str
    task_row_id: str
    outcome: Outcome
    message: Criterion
    criteria: tuple[Criterion, ...]
    ended_at: datetime | None

    def named(self, by: FailureView) -> tuple[Criterion, ...]:
        """What names the groups that it is in."""
        return self.criteria if by is FailureView.CRITERION else (self.message,)


class Failures:
    """Rollouts that went wrong, of one run or of many."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}

    def __len__(self) -> int:
        return len(self._failed)

    def take(self, row: RolloutRow) -> bool:
        """Take a rollout in, or out if it did not go wrong; whether any group changed."""
        if row.rollout is None or row.outcome not in FAILED_OUTCOMES:
            return self.drop(row.rollout_id)
        known = self._failed.get(row.rollout_id)
        if known is not None and known.rollout is row.rollout and known.outcome is row.outcome:
            return False
        words = reason_of(row.rollout, row.outcome) or silence_of(row.outcome)
        self._failed[row.rollout_id] = _Failed(
            row.rollout,
            row.run_id,
            row_id_of(row.rollout.task_id),
            row.outcome,
            Criterion(words, fold(words)),
            criteria_of(row.rollout, row.outcome),
            ended_at(row.rollout),
        )
        return True

    def drop(self, rollout_id: str) -> bool:
        """Take a rollout out; whether it was in."""
        return self._failed.pop(rollout_id, None) is not None

    def keep(self, rollout_ids: Iterable[str]) -> bool:
        """Take out all but these; whether that were any."""
        removed = self._failed.keys() - set(rollout_ids)
        for rollout_id in removed:
            del self._failed[rollout_id]
        return bool(removed)

    def groups_in_pieces(
        self,
        outcomes: frozenset[Outcome] = FAILED_OUTCOMES,
        *,
        by: FailureView = FailureView.MESSAGE,
        runs: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> Generator[None, None, tuple[FailureGroup, ...]]:
        """Group them in pieces; what changes meanwhile is not seen.

        Args:
            by: By criterion, a rollout is in the group of each of its own.
            runs: Only those of these runs.
            since: Only those that ended at this time or later; one that nobody knows the end of
                is then left out.

        Returns:
            The largest group first; equal ones by their words, so that they keep their places.
        """
        found: dict[tuple[Outcome, str], list[tuple[str, _Failed, Criterion]]] = {}
        for number, (rollout_id, failed) in enumerate(tuple(self._failed.items()), 1):
            if not number % AT_ONCE:
                yield
            if failed.outcome not in outcomes or (runs is not None and failed.run_id not in runs):
                continue
            if since is not None and (failed.ended_at is None or failed.ended_at < since):
                continue
            for each in failed.named(by):
                found.setdefault((failed.outcome, each.key), []).append((rollout_id, failed, each))
        groups, built = [], 0
        for (outcome, _), members in found.items():
            built += len(members)
            if built >= AT_ONCE:
                built = 0
                yield
            folded = members[0][2].folded
            groups.append(
                FailureGroup(
                    text=_in_common(folded, [each.words for _, _, each in members]),
                    example=members[0][2].words,
                    folded=folded,
                    outcome=outcome,
                    rollout_ids=tuple(rollout_id for rollout_id, _, _ in members),
                    run_ids=tuple(dict.fromkeys(each.run_id for _, each, _ in members)),
                    task_row_ids=tuple(dict.fromkeys(each.task_row_id for _, each, _ in members)),
                    guessed=any(each.guessed for _, _, each in members),
                )
            )
        return tuple(sorted(groups, key=lambda group: (-len(group.rollout_ids), group.folded)))

    def count_in_pieces(
        self, by: FailureView, run_id: str, task_row_ids: Collection[str]
    ) -> Generator[None, None, Counter[tuple[str, str]]]:
        """Count a run's rollouts of some tasks in each group, by `FailureGroup.key`, in pieces."""
        found: Counter[tuple[str, str]] = Counter()
        for number, failed in enumerate(tuple(self._failed.values()), 1):
            if not number % AT_ONCE:
                yield
            if failed.run_id == run_id and failed.task_row_id in task_row_ids:
                found.update((str(failed.outcome), each.key) for each in failed.named(by))
        return found


def _in_common(folded: str, texts: list[str]) -> str:
    first = texts[0]
    return first if all(words == first for words in texts) else folded


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
