"""What a run's rollouts add up to: outcomes counted apart, times, model. Pure.

Rates, intervals and other statistics over these counts are `store.stats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gymtui.api.models import Rollout
from gymtui.store.outcome import ACTIVE, ERRORS, VERDICTS, Outcome, outcome_of


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The numbers of one run, over the rollouts that were seen of it.

    Attributes:
        known: How many rollouts these numbers are over.
        counts: Rollouts by outcome; outcomes that do not occur are absent.
        model: The model's name, or None; of several, the first with how many more.
        provider: The first provider named.
        created_at: When the first rollout was created.
        started_at: When the first rollout started.
        ended_at: When the last one ended; None while any is unfinished.
    """

    known: int
    counts: Counter[Outcome]
    model: str | None
    provider: str | None
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def passed(self) -> int:
        """Verdicts that are passes."""
        return self.counts[Outcome.PASSED]

    @property
    def verdicts(self) -> int:
        """Finished rollouts with a yes or no from the verifier."""
        return sum(self.counts[outcome] for outcome in VERDICTS)

    @property
    def errors(self) -> int:
        """Rollouts that ended without a verdict, cancelled ones included."""
        return sum(self.counts[outcome] for outcome in ERRORS)

    @property
    def ended(self) -> int:
        """Rollouts that are over, whichever way."""
        return self.known - sum(self.counts[outcome] for outcome in ACTIVE)


def summarise(rollouts: Iterable[Rollout]) -> RunSummary:
    """Add up a run's rollouts.

    Args:
        rollouts: All that were seen of one run.

    Returns:
        Their numbers.
    """
    counts: Counter[Outcome] = Counter()
    models: dict[str, None] = {}
    provider: str | None = None
    created: list[datetime] = []
    started: list[datetime] = []
    ended: list[datetime] = []
    for rollout in rollouts:
        counts[outcome_of(rollout)] += 1
        if rollout.settings is not None:
            if rollout.settings.model is not None:
                models[rollout.settings.model] = None
            provider = provider or rollout.settings.provider
        for moment, into in (
            (rollout.created_at, created),
            (rollout.started_at, started),
            (rollout.completed_at, ended),
        ):
            if moment is not None:
                into.append(moment)
    known = counts.total()
    unfinished = any(counts[outcome] for outcome in ACTIVE)
    first, *others = models or (None,)
    return RunSummary(
        known=known,
        counts=counts,
        model=f"{first} +{len(others)}" if others else first,
        provider=provider,
        created_at=min(created, default=None),
        started_at=min(started, default=None),
        ended_at=None if unfinished else max(ended, default=None),
    )
