"""What all tests have in common: how properties are searched, and which tests begin first."""

from __future__ import annotations

import gc
import os
import signal

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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several workers each begins with its share of the longest tests.

    A worker is given a stretch of the list, and takes from the end of another's once it is done:
    what is long and begins last would leave the others idle.
    """
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
