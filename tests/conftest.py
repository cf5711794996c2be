"""What all tests have in common: how much of a product is tried, and which tests begin first."""

from __future__ import annotations

import gc
import inspect
import os
import signal
from collections import defaultdict
from zlib import crc32

import pytest
from hypothesis import settings

from tests.helpers import shared_tls
from tests.helpers.postgres_server import postgres as postgres

THOROUGH = os.environ.get("THOROUGH") == "1"
"""Whether long products are tried whole, as in CI, or a fair part of them, as by `make test`."""


def examples(thorough: int) -> int:
    """How many examples a dear property is tried with.

    Args:
        thorough: How many in CI.
    """
    return thorough if THOROUGH else max(thorough // 4, 5)


# The same examples each time, however slow the machine: a gate must say the same of the same
# code. `--hypothesis-profile=seek` looks further.
settings.register_profile("gate", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("seek", deadline=None, max_examples=2000)
settings.load_profile("thorough" if THOROUGH else "gate")

# Shells start what runs in the background with these off, and every program that a test starts
# would have them off too.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

shared_tls.share()

_LONGEST = (
    "tests/terminal/",
    "tests/tui/test_any_field.py",
    "tests/tui/test_every_key.py",
    "tests/tui/app/test_saved_layout.py",
    "tests/tui/app/test_router.py",
    "tests/tui/test_screenshots.py",
)
"""Where the tests of many seconds are, by how their names begin: the longest first."""


DRAWS = bool(os.environ.get("GYMTUI_DRAW"))
"""Whether pictures are drawn anew: then all of them."""
_SIZES = frozenset({"size", "cells", "width"})
"""What parameters are called that say how large a screen is."""


def _left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """What `make test` leaves to CI.

    Of the sizes at which a test has a screen drawn, all but one, which differs from test to test;
    of the cases of a test that is marked `fair_part`, all but every so manieth.
    """
    tests: defaultdict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            tests[item.nodeid.partition("[")[0]].append(item)
    out: set[pytest.Item] = set()
    for name, cases in tests.items():
        part = cases[0].get_closest_marker("fair_part")
        if part is not None:
            (every,) = part.args
            out.update(case for number, case in enumerate(cases) if number % every)
            continue
        indices = [case.callspec.indices for case in cases]
        size = next(iter(_SIZES & indices[0].keys()), None)
        if size is None or not inspect.iscoroutinefunction(cases[0].obj):
            continue
        sizes = len({each[size] for each in indices})
        with_it = {key for key in indices[0] if all(each[key] == each[size] for each in indices)}
        for case, each in zip(cases, indices, strict=True):
            others = sorted((key, index) for key, index in each.items() if key not in with_it)
            if each[size] != crc32(f"{name}{others}".encode()) % sizes:
                out.add(case)
    return out


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is left to CI; of several workers each begins with some of the longest tests.

    A worker is given a stretch of the list, and takes from the end of another's once it is done:
    what is long and begins last would leave the others idle.
    """
    if not THOROUGH and not DRAWS:
        out = _left_out(items)
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers == 1:
        return
    long = [item for begin in _LONGEST for item in items if item.nodeid.startswith(begin)]
    begun = set(long)
    rest = [item for item in items if item not in begun]
    items[:] = []
    for worker in range(workers):
        share = long[worker::workers]
        more = max(0, len(rest) // (workers - worker) - len(share))
        items += [*share, *rest[:more]]
        rest = rest[more:]
    items += rest


YOUNG = 50_000
"""Objects that come before those are looked through for garbage; Python's own is 700."""


def pytest_collection_finish() -> None:
    """Leave out of every look for garbage what stays to the end: modules and collected tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
