"""How a pass rate moves along checkpoints, and where it fell by more than chance. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gymtui.core.replacement import replace
from gymtui.store.stats.checkpoints import checkpoint_of
from gymtui.store.stats.comparison import Difference, adjust_differences, difference_of
from gymtui.store.stats.formulas import Interval, Tally
from gymtui.store.stats.run_summary import RunSummary

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One run along the way."""

    run_id: str
    label: str  # what tells it from the others: its number, else its name
    tally: Tally  # its verdicts
    interval: Interval | None  # the 95 % interval of its pass rate
    unfinished: bool  # whether more verdicts may come
    against: str | None = None  # the run that it is compared with; None for none
    difference: Difference | None = None  # how far it is from that one; None where nothing tells

    @property
    def rate(self) -> float | None:
        """pass@1; None without a verdict."""
        return self.tally.passes / self.tally.verdicts if self.tally.verdicts else None

    @property
    def worse(self) -> bool:
        """Whether it is below what it is compared with by more than chance."""
        return self.difference is not None and self.difference.clear and self.difference.mean < 0

    @property
    def better(self) -> bool:
        """Whether it is above by more than chance."""
        return self.difference is not None and self.difference.clear and self.difference.mean > 0


@dataclass(frozen=True, slots=True)
class Trend:
    """Runs in the order of their training."""

    points: tuple[Checkpoint, ...]
    # The run that all of them are compared with; None for the one before each.
    baseline: str | None = None
    base: float | None = None  # its pass@1; None without one


def trend(
    runs: Sequence[tuple[str, RunSummary | None]],
    baseline: tuple[str, RunSummary | None] | None = None,
) -> Trend:
    """Put runs in the order of their training, each beside the one that it is compared with.

    Args:
        runs: Their ids, with what is known of each.
        baseline: The run that all others are compared with, whether it is one of them or not;
            None for the one before each.

    Returns:
        Points by the number in the name where all are checkpoints of one series, else by when they
        began. A checkpoint of another scenario's tasks has none in common, and no difference.
    """
    numbers = {run_id: checkpoint_of(run_id) for run_id, _ in runs}
    series = {found[0] for found in numbers.values() if found is not None}
    is_series = len(numbers) > 1 and len(series) == 1 and all(numbers.values())

    def place(run: tuple[str, RunSummary | None]) -> tuple[float, str]:
        run_id, summary = run
        found = numbers[run_id]
        if is_series and found is not None:
            return (found[1], run_id)
        began = summary.created_at if summary is not None else None
        return ((began or _LONG_AGO).timestamp(), run_id)

    ordered = sorted(runs, key=place)
    tallies = {
        run_id: dict(summary.tallies) if summary is not None and summary.tallies else {}
        for run_id, summary in (*ordered, *([baseline] if baseline is not None else []))
    }
    points: list[Checkpoint] = []
    for run_id, summary in ordered:
        found = numbers[run_id]
        before = points[-1].run_id if points else None
        against = before if baseline is None else baseline[0] if baseline[0] != run_id else None
        points.append(
            Checkpoint(
                run_id,
                str(found[1]) if is_series and found is not None else run_id,
                Tally(summary.passes, summary.verdicts) if summary is not None else Tally(0, 0),
                summary.interval if summary is not None else None,
                summary is None or bool(summary.unfinished),
                against,
                difference_of(tallies[run_id], tallies[against]) if against is not None else None,
            )
        )
    differences = adjust_differences([point.difference for point in points])
    adjusted = zip(points, differences, strict=True)
    name, base = baseline or (None, None)
    rate = base.passes / base.verdicts if base is not None and base.verdicts else None
    return Trend(tuple(replace(point, difference=found) for point, found in adjusted), name, rate)
