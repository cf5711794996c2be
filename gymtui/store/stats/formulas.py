"""The formulas behind the numbers that people quote, over plain values, each with its source. Pure.

Which rollouts go in is decided in `store.outcome`; a run's numbers together are
`store.stats.run_stats`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, comb, fsum, sqrt

from msgspec import Struct

Z_95 = 1.959963984540054  # up to here lie 97.5 % of what is distributed normally


class Interval(Struct, frozen=True):
    """A range of a rate, both 0..1."""

    low: float
    high: float


class Tally(Struct, frozen=True):
    """Verdicts of one task, or of several together."""

    passes: int
    verdicts: int


NO_VERDICTS = Tally(0, 0)


def known_sum(values: Iterable[int | None]) -> int | None:
    """A sum; None where any of its parts is not known."""
    parts = list(values)
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def wilson(passes: float, verdicts: float) -> Interval | None:
    """The 95 % score interval of a proportion (Wilson 1927, JASA 22:209).

    Args:
        verdicts: Trials; may be an effective number, and so a fraction.
    """
    if verdicts <= 0:
        return None
    p, z = passes / verdicts, Z_95
    middle = (p + z * z / (2 * verdicts)) / (1 + z * z / verdicts)
    half = z * sqrt(p * (1 - p) / verdicts + (z / (2 * verdicts)) ** 2) / (1 + z * z / verdicts)
    # The exact ends, where the formula's rounding would miss them by a hair.
    return Interval(
        0.0 if passes == 0 else max(0.0, middle - half),
        1.0 if passes == verdicts else min(1.0, middle + half),
    )


def difference_interval(now: Tally, before: Tally) -> Interval | None:
    """The 95 % interval of one rate less another, -1..1: of independent verdicts.

    Newcombe 1998, Statistics in Medicine 17:873, method 10, which is made of Wilson's intervals.
    Where the same tasks are counted on both sides it is, if anything, too wide.
    """
    one, other = wilson(now.passes, now.verdicts), wilson(before.passes, before.verdicts)
    if one is None or other is None:
        return None
    p, q = now.passes / now.verdicts, before.passes / before.verdicts
    return Interval(
        p - q - sqrt((p - one.low) ** 2 + (other.high - q) ** 2),
        p - q + sqrt((one.high - p) ** 2 + (q - other.low) ** 2),
    )


def pass_rate_interval(tasks: Iterable[Tally], alone: Tally = NO_VERDICTS) -> Interval | None:
    """The 95 % interval of a pass rate: Wilson's, clustered by task where tasks repeat.

    Attempts of one task are alike, so they are worth fewer verdicts than they count: the number
    of independent ones that would have Miller's standard error. Wilson's interval is taken with
    that effective number (Korn and Graubard 1998; Franco et al. 2019), since the plain
    plus-or-minus leaves 0..1 and vanishes where all pass. It is never narrower than the
    unclustered one: attempts that look less alike than chance are chance. Where all verdicts are
    the same, or there is one task, nothing tells how alike attempts are, and they count in full.

    Args:
        alone: Verdicts of rollouts that name no task, together.
    """
    sums = TaskSums()
    for task in tasks:
        sums.add(task)
    sums.add_alone(alone)
    return sums.interval()


class TaskSums(Struct):
    """What an interval needs of any number of tasks, kept up to date task by task."""

    tasks: int = 0  # those with a verdict
    repeated: int = 0  # those with several
    passes: int = 0
    verdicts: int = 0
    _passes_squared: int = 0
    _verdicts_squared: int = 0
    _products: int = 0

    def add(self, task: Tally, times: int = 1) -> None:
        """Count a task in, or with -1 as it was before out again."""
        self.tasks += times * (task.verdicts > 0)
        self.repeated += times * (task.verdicts > 1)
        self.passes += times * task.passes
        self.verdicts += times * task.verdicts
        self._passes_squared += times * task.passes**2
        self._verdicts_squared += times * task.verdicts**2
        self._products += times * task.passes * task.verdicts

    def add_alone(self, tally: Tally) -> None:
        """Count in rollouts without a task: each is one, since nothing says that two are alike."""
        self.add(Tally(1, 1), tally.passes)
        self.add(Tally(0, 1), tally.verdicts - tally.passes)

    @property
    def error(self) -> float | None:
        """The standard error of a pass rate whose verdicts are clustered by task.

        Miller 2024, "Adding Error Bars to Evals" (arXiv:2411.00640), section 2.2, written as a sum
        over tasks: the root of sum over tasks of (sum over attempts of (s - mean))^2, over n. None
        without verdicts.
        """
        if not self.verdicts:
            return None
        # The squares written out, over n: whole numbers until the last division.
        n, p = self.verdicts, self.passes
        squares = self._passes_squared * n * n - 2 * p * n * self._products
        return sqrt(squares + p * p * self._verdicts_squared) / (n * n)

    def interval(self) -> Interval | None:
        """The 95 % interval of their pass rate, as `pass_rate_interval` tells it."""
        n, passes = self.verdicts, self.passes
        effective = float(n)
        if self.tasks > 1 and self.repeated and 0 < passes < n:
            error = self.error or 0.0
            effective = min(n, passes / n * (1 - passes / n) / error**2) if error else n
        return wilson(passes * effective / n, effective) if n else None


class AtK(Struct, frozen=True):
    """pass@k or pass^k, and what it stands on."""

    k: int
    rate: float | None  # 0..1; None if no task has k verdicts
    tasks: int  # tasks with at least k verdicts
    of_tasks: int  # all tasks


def pass_at_k(tasks: Sequence[Tally], k: int) -> AtK:
    """The chance that at least one of k attempts passes, unbiased: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021, "Evaluating Large Language Models Trained on Code" (arXiv:2107.03374), eq. 1.

    Args:
        tasks: The tally of each task; those with fewer than k verdicts only count for coverage.
        k: Attempts, at least 1.
    """
    rates = [1 - comb(t.verdicts - t.passes, k) / comb(t.verdicts, k) for t in _enough(tasks, k)]
    return AtK(k, fsum(rates) / len(rates) if rates else None, len(rates), len(tasks))


def pass_hat_k(tasks: Sequence[Tally], k: int) -> AtK:
    """The chance that all of k attempts pass, unbiased: pass^k = C(c, k) / C(n, k).

    Yao et al. 2024, "tau-bench" (arXiv:2406.12045), section 3.

    Args:
        tasks: The tally of each task; those with fewer than k verdicts only count for coverage.
        k: Attempts, at least 1.
    """
    rates = [comb(t.passes, k) / comb(t.verdicts, k) for t in _enough(tasks, k)]
    return AtK(k, fsum(rates) / len(rates) if rates else None, len(rates), len(tasks))


def _enough(tasks: Iterable[Tally], k: int) -> Iterable[Tally]:
    if k < 1:
        raise ValueError("k counts attempts, from 1")
    return (task for task in tasks if task.verdicts >= k)


class TaskKinds(Struct, frozen=True):
    """How tasks came out: what a trainer wants to know."""

    all_pass: int
    mixed: int
    all_fail: int
    none: int  # no verdict at all


def task_kinds(tasks: Iterable[Tally]) -> TaskKinds:
    """Count tasks by how their attempts came out."""
    all_pass = mixed = all_fail = none = 0
    for task in tasks:
        if not task.verdicts:
            none += 1
        elif task.passes == task.verdicts:
            all_pass += 1
        elif task.passes:
            mixed += 1
        else:
            all_fail += 1
    return TaskKinds(all_pass, mixed, all_fail, none)


def final_bounds(passes: int, verdicts: int, undecided: int) -> Interval | None:
    """Where the pass rate of a run can end: if all of the undecided fail, and if all pass."""
    total = verdicts + undecided
    return Interval(passes / total, (passes + undecided) / total) if total else None


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The nearest-rank quantile of ascending values: one that occurred, or None."""
    return ordered[max(ceil(q * len(ordered)) - 1, 0)] if ordered else None


class Spread(Struct, frozen=True):
    """Mean and sample standard deviation of `count` values; one value has no deviation."""

    mean: float
    deviation: float | None
    count: int


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and spread of scores; None without any."""
    if not values:
        return None
    mean = fsum(values) / len(values)
    if len(values) == 1:
        return Spread(mean, None, 1)
    # `statistics.stdev` is exact, in fractions, and a hundred times slower.
    variance = fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return Spread(mean, sqrt(variance), len(values))


class Rate(Struct, frozen=True):
    """Verdicts a minute."""

    per_minute: float  # of verdicts; errors do not count
    window_s: float  # the time they were counted over: the one asked for, or since the start
    verdicts: int


def rate(times_s: Sequence[float], now_s: float, since_s: float, window_s: float) -> Rate | None:
    """The rate of verdicts in the window that ends now.

    Args:
        times_s: When each verdict came, ascending, UNIX seconds on the server's clock.
        since_s: When the first rollout started; a younger run has a shorter window.
    """
    window_s = min(window_s, now_s - since_s)
    if window_s <= 0:
        return None
    count = bisect_right(times_s, now_s) - bisect_left(times_s, now_s - window_s)
    return Rate(60 * count / window_s, window_s, count)


def bucket_counts(
    times_s: Sequence[float], start_s: float, end_s: float, buckets: int
) -> tuple[int, ...]:
    """Verdicts in each of so many equal stretches, for a sparkline.

    Args:
        times_s: Ascending, UNIX seconds; those outside are left out.
        end_s: Where the last one ends; a time on it belongs to the last.
    """
    if buckets < 1 or end_s <= start_s:
        return ()
    edges = [start_s + (end_s - start_s) * n / buckets for n in range(1, buckets)]
    ends = [
        bisect_left(times_s, start_s),
        *(bisect_left(times_s, edge) for edge in edges),
        bisect_right(times_s, end_s),
    ]
    return tuple(after - before for before, after in pairwise(ends))


class Shares(Struct, frozen=True):
    """Where time goes."""

    of: Mapping[str, float]  # the share of each key, 0..1, adding up to 1; empty without coverage
    counted: int
    of_all: int


def shares(seconds: Iterable[Mapping[str, float] | None]) -> Shares:
    """Add up time spent by kind, of each rollout that was watched."""
    total: dict[str, float] = {}
    counted = of_all = 0
    for spent in seconds:
        of_all += 1
        if spent is None:
            continue
        counted += 1
        for kind, duration_s in spent.items():
            total[kind] = total.get(kind, 0.0) + duration_s
    whole = sum(total.values())
    return Shares({k: v / whole for k, v in total.items()} if whole else {}, counted, of_all)
