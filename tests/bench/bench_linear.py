"""Cost that grows with size only: twenty times the input beside the input, on the worst there is.

Linear is 20×, quadratic 400×; the budget lies where neither noise nor a sort's logarithm reaches.
CPU time counts, and garbage is not collected meanwhile: that depends on all else in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from random import Random
from time import process_time
from timeit import timeit

from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Rollout
from gymtui.core.text import clean, clean_block, fit, span_lines
from gymtui.store.stats.eta import eta
from gymtui.store.stats.failure_reasons import LONGEST_REASON, fold
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.transcript.readers.artifact import read
from tests.api.samples import ROLLOUT
from tests.bench.measuring import Pair, by_turns
from tests.bench.rows import Row, at_most, faster, within
from tests.helpers.hostile_text import DOCUMENTS, PIECES, REASONS, searched

TIMES = 20
BUDGET = 100
ROUNDS = 5
ROLLOUTS = 10_000

Act = Callable[[], object]


def rows() -> Iterator[Row]:
    """Measure."""
    yield from _texts()
    yield from _documents()
    yield from _numbers()
    yield from _rollouts()


def _texts() -> Iterator[Row]:
    def cleaned(piece: str, count: int) -> Act:
        text = piece * count
        return lambda: (clean_block(text), span_lines(text))

    yield _worst("80,000 hostile pieces cleaned (4,000)", PIECES, cleaned, 4_000, repr)
    pair = _pair(partial(fit, "é" * 1_000_000, 5), partial(fit, "é" * 50_000, 5), each=5)
    yield at_most(
        "1,000,000 characters cut to 5 cells (50,000)", pair.ours_s, pair.yardstick_s, 2, "s",
        "only what can show is looked at",
    )  # fmt: skip
    line = "2026-03-20 a line as most lines are, of ordinary length"
    pair = _pair(partial(clean, line), partial(clean, f"\x1b[1m{line}"), each=1000)
    yield faster(
        "1,000 plain lines cleaned (coloured)", 1000 * pair.ours_s, 1000 * pair.yardstick_s, 4
    )


def _documents() -> Iterator[Row]:
    def reading(name: str, size: int) -> Act:
        return partial(read, DOCUMENTS[name](size))

    yield _worst("transcript of 5,000 hostile messages read (250)", DOCUMENTS, reading, 250, str)
    pair = _pair(partial(read, searched(1_600)), partial(read, searched(80)))
    yield at_most(
        "1,600 calls looked for in 6 MB of text (80)",
        pair.ours_s, pair.yardstick_s, 5, "s", "only so much is looked through",
    )  # fmt: skip


def _numbers() -> Iterator[Row]:
    pair = _pair(_asking(TIMES * 100), _asking(100))
    yield at_most(
        "ETA of a run of 2,000 rollouts (100)", pair.ours_s, pair.yardstick_s, BUDGET, "s"
    )
    pair = _pair(_adding(TIMES * 100), _adding(100))
    yield at_most(
        "numbers of a run of 2,000 rollouts (100)", pair.ours_s, pair.yardstick_s, BUDGET, "s"
    )
    usual = ("no answer from the endpoint after a while " * 10)[:LONGEST_REASON]
    found = [
        (_pair(partial(fold, reason), partial(fold, usual), each=20), reason) for reason in REASONS
    ]
    pair, reason = max(found, key=lambda one: one[0].ours_s)
    yield at_most(
        "a hostile reason folded (an ordinary one)", pair.ours_s, pair.yardstick_s, BUDGET, "s",
        f"the worst of {len(REASONS)}: {reason[:4]!r}…, of {len(reason):,} characters",
    )  # fmt: skip


def _rollouts() -> Iterator[Row]:
    usual = json.dumps(ROLLOUT).encode()
    odd = json.dumps({**ROLLOUT, "phase": 3, "result": "?"}).encode()
    pair = _pair(partial(parse_rollout, odd), partial(parse_rollout, usual), each=500)
    yield at_most(
        f"{ROLLOUTS:,} rollouts with odd fields read (as documented)",
        ROLLOUTS * pair.ours_s, ROLLOUTS * pair.yardstick_s, 10, "s",
    )  # fmt: skip
    yield within("the same", ROLLOUTS * pair.ours_s, 1, "s")


def _asking(rollouts: int) -> Act:
    """Ask for the ETA of a run with 3/4 of its rollouts ended, and 1/10 still waiting."""
    rng = Random(3)
    waiting, running = rollouts // 10, rollouts * 3 // 20
    ended = [rng.lognormvariate(4.5, 0.5) for _ in range(rollouts - waiting - running)]
    ages = [rng.uniform(0, 90) for _ in range(running)]
    return lambda: eta(waiting=waiting, ages_s=ages, ended_s=ended, verdicts=len(ended))


def _adding(rollouts: int) -> Act:
    """Add up a run that has ended, of 20 rollouts a task."""
    start_s = 1_700_000_000
    found = [
        Rollout.model_validate(
            {
                "rollout_id": f"rol_{number}",
                "run_id": "run_1",
                "status": "completed",
                "task_id": f"task_{number // 20}",
                "created_at": start_s + number,
                "started_at": start_s + number + 5,
                "completed_at": start_s + number + 60 + number % 50,
                "result": {"success": number % 3 > 0},
            }
        )
        for number in range(rollouts)
    ]
    return lambda: run_numbers(found).interval


def _worst(
    what: str,
    kinds: Iterable[str],
    make: Callable[[str, int], Act],
    size: int,
    shown: Callable[[str], str],
) -> Row:
    """The kind of input whose cost grows most.

    Args:
        what: What is measured.
        kinds: Of input.
        make: What to run for a kind and a size.
        size: The small one.
        shown: How a kind is written.
    """
    found = {kind: _pair(make(kind, TIMES * size), make(kind, size)) for kind in kinds}
    kind, pair = max(found.items(), key=lambda one: one[1].ours_s / one[1].yardstick_s)
    note = f"the worst of {len(found)}: {shown(kind)}"
    return at_most(what, pair.ours_s, pair.yardstick_s, BUDGET, "s", note)


def _pair(ours: Act, yardstick: Act, *, each: int = 1) -> Pair:
    """Time both by turns, so many calls at once; the time of one call."""

    def timed(act: Act) -> float:
        return timeit(act, number=each, timer=process_time)

    found = by_turns(partial(timed, ours), partial(timed, yardstick), ROUNDS)
    return Pair(found.ours_s / each, found.yardstick_s / each)
