"""Batches made fit for PostgreSQL: few statements, each of which meets a row but once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gymtui.store.history.journal_store import Batch
from gymtui.store.history.observer import StateObservation


def join_batches(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same in fewer: until runs are forgotten, in what order rows come makes no difference."""
    together: list[Batch] = []
    for batch in batches:
        if batch.forgotten and together:
            yield _one(together)
            together = []
        together.append(batch)
    if together:
        yield _one(together)


def _one(batches: Sequence[Batch]) -> Batch:
    return Batch(
        observations=tuple(seen for batch in batches for seen in batch.observations),
        looks=tuple(look for batch in batches for look in batch.looks),
        steps=tuple(times for batch in batches for times in batch.steps),
        summaries=tuple(summary for batch in batches for summary in batch.summaries),
        forgotten=batches[0].forgotten,
    )


def split_rounds(observations: Iterable[StateObservation]) -> list[list[StateObservation]]:
    """By turns: in each a rollout is there once, its earlier observations in those before."""
    rounds: list[list[StateObservation]] = []
    turns: dict[tuple[str, str], int] = {}
    for seen in observations:
        turn = turns.get((seen.run_id, seen.rollout_id), 0)
        turns[seen.run_id, seen.rollout_id] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(seen)
    return rounds
