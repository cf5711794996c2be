"""The environment that `make` sets up, with an interpreter that only pretends to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal.harness import until

SCRIPT = Path(__file__).parent / "environment.sh"

INTERPRETER = """#!/bin/sh
# Answers what environment.sh asks of an interpreter; makes an environment that is a copy of it.
VERSION={version}
case "$*" in
  *fcntl*) exec {real} "$@" ;;
  *ensurepip*) exit {no_venv} ;;
  *"version_info <"*) case $VERSION in 3.10.*|3.9.*) exit 1 ;; esac ;;
  *version_info*) echo "$VERSION $0-base" | sed 's|/\\.venv/bin/python-base|/python-base|' ;;
  *"-m venv"*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  *"-m pip"*)
    echo "$*" >>calls
    env | grep '^PIP_' >>calls
    while [ -f held ]; do sleep 0.02; done
    exit {pip} ;;
esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tests")
    (tmp_path / "tests" / "constraints.txt").write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def interpreter(
    place: Path, version: str = "3.11.7", *, no_venv: int = 0, pip: int = 0, name: str = "python"
) -> Path:
    path = place / name
    path.write_text(
        INTERPRETER.format(version=version, no_venv=no_venv, pip=pip, real=sys.executable)
    )
    path.chmod(0o755)
    return path


def order(python: Path | str, chosen: str = "file", need: str = "run") -> list[str]:
    return ["sh", "tests/environment.sh", ".venv", str(python), chosen, need]


def set_up(
    place: Path, python: Path | str, *, chosen: str = "file", need: str = "run", **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        order(python, chosen, need),
        cwd=place, capture_output=True, text=True, env={**os.environ, **env},
    )  # fmt: skip


def installs(place: Path) -> int:
    calls = place / "calls"
    return calls.read_text().count("pip install") if calls.exists() else 0


def test_it_is_made_once_and_again_when_what_is_needed_changes(place: Path) -> None:
    python = interpreter(place)
    first = set_up(place, python)
    assert first.returncode == 0
    assert "setting up .venv" in first.stdout
    again = set_up(place, python)
    assert (again.returncode, again.stdout) == (0, "")
    assert installs(place) == 1
    set_up(place, python, need="dev")
    set_up(place, python, need="run")
    assert installs(place) == 2  # what tests need holds what running needs
    (place / "pyproject.toml").write_text("changed")
    set_up(place, python)
    assert installs(place) == 3


@pytest.mark.parametrize("version", ["3.10.13", "3.9.2"])
def test_an_old_interpreter_is_refused_in_a_line(place: Path, version: str) -> None:
    done = set_up(place, interpreter(place, version))
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert "3.11" in line and version in line
    assert not (place / ".venv").exists()


def test_without_venv_nothing_half_made_is_left(place: Path) -> None:
    done = set_up(place, interpreter(place, no_venv=1))
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert "python3-venv" in line
    assert not (place / ".venv").exists()
    assert set_up(place, interpreter(place)).returncode == 0


def test_without_any_interpreter_it_says_so_in_a_line(place: Path) -> None:
    done = set_up(place, "python3-that-is-not-here")
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert "3.11" in line


def test_what_could_not_be_installed_leaves_nothing(place: Path) -> None:
    done = set_up(place, interpreter(place, pip=1))
    assert done.returncode != 0
    assert not (place / ".venv").exists()
    assert set_up(place, interpreter(place)).returncode == 0


def test_a_half_made_environment_is_made_anew(place: Path) -> None:
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    assert set_up(place, interpreter(place)).returncode == 0
    assert installs(place) == 1


def test_another_interpreter_makes_it_anew_only_when_it_was_chosen(place: Path) -> None:
    set_up(place, interpreter(place))
    other = interpreter(place, "3.12.1", name="other")
    assert set_up(place, other, chosen="file").stdout == ""
    assert set_up(place, other, chosen="command line").returncode == 0
    assert (place / ".venv" / ".interpreter").read_text().startswith("3.12.1")
    assert installs(place) == 2


def test_an_old_default_interpreter_does_not_matter_to_a_whole_environment(place: Path) -> None:
    set_up(place, interpreter(place, "3.12.1", name="new"), chosen="command line")
    old = set_up(place, interpreter(place, "3.10.13"))
    assert (old.returncode, old.stderr) == (0, "")


def test_what_pip_is_told_by_the_environment_does_not_matter(place: Path) -> None:
    told = {"PIP_USER": "1", "PIP_TARGET": "/x", "PIP_PREFIX": "/x", "PIP_NO_DEPS": "1"}
    done = set_up(place, interpreter(place), **told, PIP_REQUIRE_HASHES="1", PIP_ROOT="/x")
    assert done.returncode == 0
    calls = (place / "calls").read_text().splitlines()
    assert {"PIP_USER=0", "PIP_NO_DEPS=0", "PIP_REQUIRE_HASHES=0"} <= set(calls)
    assert not [line for line in calls if line.startswith(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"))]


@pytest.mark.parametrize("installs_it", [True, False])
def test_of_two_at_once_one_waits_for_the_other(place: Path, installs_it: bool) -> None:
    (place / "held").touch()
    begun = [order(interpreter(place, pip=0 if installs_it else 1))] * 2
    first = subprocess.Popen(begun[0], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with first:
        until(lambda: installs(place) == 1, "the first installs")
        with subprocess.Popen(begun[1], cwd=place, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "waiting for another make that sets up .venv\n"
            interpreter(place)
            (place / "held").unlink()
            said = second.stdout.read()
    assert (first.returncode == 0, second.returncode) == (installs_it, 0)
    assert said == "" if installs_it else "setting up" in said
    assert installs(place) == (1 if installs_it else 2)
    assert (place / ".venv" / ".run").exists()
