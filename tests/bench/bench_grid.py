"""The grid beside the framework's DataTable: loading, updating, paging; CPU seconds to the frame.

Waiting for the next frame is left out on both sides; what reaches the terminal is `bench_tick`.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measuring import Pair
from tests.bench.rows import Row, faster
from tests.bench.tables import Ours, Record, Theirs, cpu_of, moved, records

MANY = 100_000
FEW = 10_000
SIZE = (120, 36)


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: Page down in a DataTable of 100,000 rows, which takes half a minute to load.
    """
    many, few = records(MANY), records(FEW)
    ours, theirs = [], []
    for _ in range(2):
        theirs.append(asyncio.run(_load_theirs(few)))
        ours += [asyncio.run(_load_ours(many)) for _ in range(2)]
    yield faster(
        "grid: 100,000 rows ordered, loaded, painted (DataTable, 10,000)",
        min(ours), min(theirs), 20,
    )  # fmt: skip
    pair = asyncio.run(_updated(few))
    yield faster(
        "grid: 1 % of 10,000 rows updated, painted (DataTable)",
        pair.ours_s, pair.yardstick_s, 8,
    )  # fmt: skip
    pair = asyncio.run(_paged(many, many if long else few))
    yield faster(
        "grid: page down in 100,000 rows (DataTable)", pair.ours_s, pair.yardstick_s, 4,
        "" if long else "DataTable with 10,000 rows, whose pages cost it no more",
    )  # fmt: skip


async def _load_ours(many: dict[str, Record]) -> float:
    with tempfile.TemporaryDirectory() as directory:
        app = Ours("step", Path(directory))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            gc.collect()
            return float(await cpu_of(app, lambda: app.load(many))())


async def _load_theirs(few: dict[str, Record]) -> float:
    app = Theirs()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        gc.collect()
        return float(await cpu_of(app, lambda: app.load(few, _by_step))())


def _by_step(one: Record) -> tuple[int, str]:
    return one.step, one.row_id


async def _updated(few: dict[str, Record]) -> Pair:
    """1 % of the rows, ten of them in view."""
    chosen = [*list(few)[:10], *list(few)[50 : FEW : FEW // 90]]
    ours_s, theirs_s = [], []
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs = Ours("row", Path(directory)), Theirs()
        async with ours.run_test(size=SIZE), theirs.run_test(size=SIZE):
            ours.load(few)
            theirs.load(few)
            now = few
            for _ in range(6):
                changed = {row_id: moved(now[row_id]) for row_id in chosen}
                now = {**now, **changed}
                ours_s.append(await cpu_of(ours, lambda c=changed: ours.update(c))())  # type: ignore[misc]
                theirs_s.append(await cpu_of(theirs, lambda c=changed: theirs.update(c))())  # type: ignore[misc]
    return Pair(min(ours_s), min(theirs_s))


async def _paged(many: dict[str, Record], few: dict[str, Record]) -> Pair:
    ours_s, theirs_s = [], []
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs = Ours("row", Path(directory)), Theirs()
        async with ours.run_test(size=SIZE), theirs.run_test(size=SIZE):
            ours.load(many)
            theirs.load(few)
            for _ in range(8):
                ours_s.append(await cpu_of(ours, lambda: ours.grid.action_page(1))())
                theirs_s.append(await cpu_of(theirs, theirs.table.action_page_down)())
    return Pair(min(ours_s), min(theirs_s))
