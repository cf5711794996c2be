"""What is asked before runs are cancelled or deleted, and why there is nothing to ask about."""

from __future__ import annotations

import pytest

from gymtui.api.models import RunStatus
from gymtui.core.replacement import replace
from gymtui.session.actions import Verb
from gymtui.session.confirmation import describe_no_targets, targets_among
from gymtui.store.records import Intent, RunRow


def row(name: str, *, running: int = 0, gone: bool = False, malformed: str | None = None) -> RunRow:
    status = RunStatus(run_id=name, total=2, completed=2 - running, running=running, pending=0)
    run = None if malformed else status
    return RunRow(name, b"", 0.0, run, is_deleted=gone, malformed=malformed)


def doing(name: str, intent: Intent) -> RunRow:
    """A run that runs, to which something is being done."""
    return replace(row(name, running=1), intent=intent)


@pytest.mark.parametrize(
    ("verb", "rows", "words"),
    [
        (Verb.CANCEL, [row("a")], "nothing to cancel: a is finished"),
        (Verb.CANCEL, [row("a", gone=True)], "nothing to cancel: a no longer exists"),
        (Verb.DELETE, [row("a", malformed="no id")], "nothing to delete: this run cannot be read"),
        (Verb.CANCEL, [row("a"), row("b")], "nothing to cancel: 2 runs chosen, 2 finished"),
        (Verb.CANCEL, [doing("a", Intent.CANCEL)], "nothing to cancel: a is being cancelled"),
        (Verb.CANCEL, [doing("a", Intent.DELETE)], "nothing to cancel: a is being deleted"),
        (Verb.DELETE, [doing("a", Intent.DELETE)], "nothing to delete: a is being deleted"),
        (Verb.DELETE, [doing("a", Intent.CHECK)], "nothing to delete: a is being checked"),
        (
            Verb.CANCEL,
            [doing("a", Intent.CANCEL), row("b"), doing("c", Intent.CANCEL)],
            "nothing to cancel: 3 runs chosen, 2 being cancelled, 1 finished",
        ),
        (
            Verb.DELETE,
            [row("a", gone=True), row("b", malformed="x")],
            "nothing to delete: 2 runs chosen, 1 no longer exists, 1 cannot be read",
        ),
        (Verb.DELETE, [], "nothing to delete: no run chosen"),
    ],
)
def test_why_there_is_nothing_to_do_it_to(verb: Verb, rows: list[RunRow], words: str) -> None:
    assert targets_among(verb, rows) == ()
    assert describe_no_targets(verb, rows) == words


def test_what_runs_can_be_cancelled_and_all_that_is_there_deleted() -> None:
    rows = [row("a"), row("b", running=1), row("c", gone=True), doing("d", Intent.CANCEL)]
    assert [target.run_id for target in targets_among(Verb.CANCEL, rows)] == ["b"]
    assert [target.run_id for target in targets_among(Verb.DELETE, rows)] == ["a", "b", "d"]
