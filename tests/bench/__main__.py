"""Runs the bench and prints its table; exits 1 when a budget is missed.

Every module `bench_*.py` beside this one has `rows(long)` or `rows()`, which measures as it is
iterated. Arguments choose modules by the rest of their names.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import sys
import time
from collections.abc import Iterable, Sequence

import tests.bench
from tests.bench.rows import Row, heading, line

PREFIX = "bench_"


def names() -> list[str]:
    """The modules there are, without their prefix."""
    found = (module.name for module in pkgutil.iter_modules(tests.bench.__path__))
    return sorted(name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX))


def measured(name: str, *, long: bool) -> Iterable[Row]:
    """Measure one module's rows, one after the other."""
    rows = importlib.import_module(f"tests.bench.{PREFIX}{name}").rows
    takes_long = "long" in inspect.signature(rows).parameters
    yield from rows(long=long) if takes_long else rows()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: Of the command line.

    Returns:
        The exit code.
    """
    known = names()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(known)}; all without one")
    parser.add_argument("--long", action="store_true", help="whole minutes and ticks, unscaled")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.name if name not in known]
    if unknown:
        parser.error(f"no bench named {', '.join(unknown)}; there are {', '.join(known)}")
    began = time.monotonic()
    missed: list[Row] = []
    print(heading(), flush=True)
    for name in options.name or known:
        for row in measured(name, long=options.long):
            print(line(row), flush=True)
            if row.held is False:
                missed.append(row)
    print(f"\n{time.monotonic() - began:.0f} s", end="")
    print(f"; missed: {'; '.join(row.what for row in missed)}" if missed else "; all budgets held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
