"""What is asked before runs are cancelled or deleted, on a screen or by a command. Data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from gymtui.core.text import clean
from gymtui.session.actions import Verb
from gymtui.store.formats import of_many
from gymtui.store.records import Intent, RunRow


class Target(Struct, frozen=True):
    """A run that would go."""

    run_id: str
    unfinished: int  # how many of its rollouts still run or wait
    total: int | None
    hidden: bool = False  # whether it is marked but the filter hides it

    @property
    def size(self) -> str:
        """How many rollouts it has and how many of them are unfinished, or an empty string."""
        size = "" if self.total is None else of_many(self.total, "rollout")
        still = f"{self.unfinished} unfinished" if self.unfinished else ""
        return ", ".join(word for word in (size, still) if word)


class Question(Struct, frozen=True):
    verb: Verb
    targets: tuple[Target, ...]

    @property
    def to_type(self) -> str | None:
        """What must be typed instead of `y`: a count for several, the id of one that still runs."""
        if self.verb is not Verb.DELETE:
            return None
        if len(self.targets) > 1:
            return str(len(self.targets))
        return clean(self.targets[0].run_id) if self.targets[0].unfinished else None

    @property
    def title(self) -> str:
        runs = "this run" if len(self.targets) == 1 else f"these {len(self.targets)} runs"
        return f"{self.verb.capitalize()} {runs}?"

    @property
    def consequence(self) -> str:
        if self.verb is Verb.CANCEL:
            return "Running rollouts end at their next step; results so far are kept."
        return "The run and all its rollout records are deleted permanently."


def describe_no_targets(verb: Verb, rows: Sequence[RunRow]) -> str:
    """Why there is nothing to do it to: `nothing to cancel: run_x is finished`."""
    if not rows:
        return f"nothing to {verb}: no run chosen"
    faults = Counter(_describe_fault(verb, row) or "" for row in rows)
    if len(rows) > 1:
        counted = ", ".join(f"{count} {why.removeprefix('is ')}" for why, count in faults.items())
        return f"nothing to {verb}: {of_many(len(rows), 'run')} chosen, {counted}"
    # The id of one that could not be read is none of the gym's.
    name = rows[0].run_id if rows[0].malformed is None else "this run"
    return f"nothing to {verb}: {name} {next(iter(faults))}"


def _describe_fault(verb: Verb, row: RunRow) -> str | None:
    """Why it cannot be done to a run; None if it can. What is under way is not sent again."""
    if row.is_deleted:
        return "no longer exists"
    if row.malformed is not None:
        return "cannot be read"
    if row.intent is Intent.CHECK:
        return "is being checked"
    if row.intent is Intent.DELETE:
        return "is being deleted"
    if verb is Verb.DELETE:
        return None
    if row.intent is Intent.CANCEL:
        return "is being cancelled"
    return None if row.active else "is finished"


def targets_among(
    verb: Verb, rows: Iterable[RunRow], *, hidden: frozenset[str] = frozenset()
) -> tuple[Target, ...]:
    """Those of these runs to which it can be done: there, readable, to cancel also active.

    Not those to which it is being done.
    """
    return tuple(
        Target(
            row.run_id,
            unfinished=row.unfinished,
            total=row.run.total if row.run else None,
            hidden=row.run_id in hidden,
        )
        for row in rows
        if _describe_fault(verb, row) is None
    )
