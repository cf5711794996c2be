"""What ARCHITECTURE.md says is so: its rooms, its arrows, its names, and the way it walks."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from tests.helpers.places import PACKAGE, ROOT
from tests.tui.staged import Life, StagedGym, pass_time, staged_dashboard

PAGE = (ROOT / "ARCHITECTURE.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:gymtui|tests)/[\w/]+\.py):([\w.]+)`", PAGE)))
"""Files with what they are said to hold."""
HOPS = re.findall(r"^\d+\. `(gymtui/[\w/]+\.py):([\w.]+)`", PAGE.split("## Where")[0], re.MULTILINE)
MOST_HOPS = 15


@cache
def names_in(path: Path) -> frozenset[str]:
    """The classes, functions, methods (`Class.method`) and constants of a module."""

    def within(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from within(node.body, f"{prefix}{node.name}.")
            if isinstance(node, ast.Assign):
                yield from (prefix + t.id for t in node.targets if isinstance(t, ast.Name))
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield prefix + node.target.id

    return frozenset(within(ast.parse(path.read_text()).body, ""))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_it_names_is_where_it_says(file: str, name: str) -> None:
    assert name in names_in(ROOT / file)


def test_the_files_and_folders_it_names_are_there() -> None:
    named = set(re.findall(r"`((?:gymtui|tests|themes|screenshots)/[\w/.]*)[:`]", PAGE))
    assert len(named) > 30
    absent = [name for name in sorted(named) if not (ROOT / name).exists()]
    # What somebody is told to make.
    assert [name for name in absent if "NAME" not in name] == []


def test_every_room_has_its_line() -> None:
    lines = dict(re.findall(r"^\| `([\w/]+)/` \| (.+) \|$", PAGE, re.MULTILINE))
    packages = {
        found.parent.relative_to(PACKAGE).as_posix()
        for pattern in ("*/__init__.py", "*/*/__init__.py")
        for found in PACKAGE.glob(pattern)
    }
    assert len(packages) > 30
    assert set(lines) == packages


def test_the_arrows_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {tuple(c["containers"]): c["layers"] for c in contracts["contracts"] if "layers" in c}
    package = [re.sub(r" [|:] ", ", ", layer) for layer in layers[("gymtui",)]]
    assert package[0] == "__main__" and package[-1] == "gym"
    assert f"\n{' → '.join(package[1:-1])}\n" in PAGE
    tui = ["features" if " | " in layer else layer for layer in layers[("gymtui.tui",)]]
    assert f"\n{' → '.join(tui)}\n" in PAGE


def test_it_says_where_each_new_thing_goes() -> None:
    for thing in ("column", "endpoint", "screen", "message shape", "command"):
        assert re.search(rf"^### An? {thing}$", PAGE, re.MULTILINE), thing


def test_the_walk_is_short() -> None:
    assert 10 <= len(HOPS) <= MOST_HOPS


@contextmanager
def calls_of_the_package() -> Iterator[list[tuple[str, str]]]:
    """Collect what of the package is called on this thread: its file and its qualified name."""
    found: list[tuple[str, str]] = []
    root = f"{ROOT}/"

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root):
            found.append((code.co_filename.removeprefix(root), code.co_qualname))

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


async def test_a_rollout_goes_the_way_it_walks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the framework draws without a terminal it does not write.
    monkeypatch.setattr(HeadlessDriver, "is_headless", False)
    gym = StagedGym()
    gym.live("nightly", "schedule_phone_screen", Life(1, (3, 1, 60)))
    async with staged_dashboard(gym, tmp_path, (120, 36)) as person:
        await pass_time(person, 2.0)
        await person.press("enter")
        await person.sees("schedule_phone_screen")
        await pass_time(person, 5.0)
        with calls_of_the_package() as calls:
            gym.clock.seconds += 3
            person.app.session.poller.refresh()
            await person.sees("6/30")
            # What is on screen is written by another turn of the event loop.
            await person.until(lambda: first_missing(calls) is None, "the walk did not end")


def first_missing(calls: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """The first hop that does not follow what the page has before it."""
    left = iter(tuple(calls))
    for file, name in HOPS:
        if not any(call == (file, name) for call in left):
            return file, name
    return None
