"""Where there is no server, whatever needs one says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pytest

from tests.bench import bench_journal, bench_team, bench_workers
from tests.bench.rows import Row
from tests.helpers import postgres_server


@pytest.mark.parametrize(
    "rows",
    [bench_journal.rows, bench_team.delay_rows, partial(bench_workers.rows, long=False)],
    ids=["journal", "team", "workers"],
)
def test_the_bench_says_that_postgresql_is_not_installed(
    rows: Callable[[], Iterable[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "_programs", lambda: None)
    [row] = rows()
    assert (row.figure, row.held, row.note) == (
        "not measured",
        None,
        "PostgreSQL is not installed",
    )
