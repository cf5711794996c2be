"""What all tests have in common: how properties are searched for counterexamples."""

from __future__ import annotations

import gc

from hypothesis import settings

# The same examples each time, however slow the machine: a gate must say the same of the same
# code. `--hypothesis-profile=seek` looks further.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("seek", deadline=None, max_examples=2000)
settings.load_profile("gate")

YOUNG = 20_000
"""Objects that come before those are looked through for garbage; Python's own is 700."""


def pytest_collection_finish() -> None:
    """Leave out of every look for garbage what stays to the end: modules and collected tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
