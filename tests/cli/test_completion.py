"""What TAB offers, in a real bash; and every command's `--help`."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from gymtui.cli.entry import main
from gymtui.core import paths
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import file_name
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.observer import StateObservation
from tests.cli.calling import gymtui
from tests.helpers.environment import isolated

NOW = datetime(2026, 3, 20, tzinfo=UTC)


def offered(home: Path, line: str, **env: str) -> list[str]:
    """What bash is given to offer at the end of a command line."""
    words = line.split()
    last = len(words) - (not line.endswith(" "))
    asked = {"_GYMTUI_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(last)}
    done = gymtui(home, **asked, **env)
    assert (done.returncode, done.stderr) == (0, "")
    return [offer.partition(",")[2] for offer in done.stdout.splitlines() if offer]


def in_bash(home: Path, line: str) -> list[str]:
    """What a real bash would offer there."""
    program = home / "bin" / "gymtui"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gymtui "$@"\n')
    program.chmod(0o755)
    around = isolated(home)
    around["PATH"] = f"{program.parent}:{around['PATH']}"
    script = """
        eval "$(gymtui completion bash)"
        COMP_WORDS=($LINE) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        [[ $LINE == *' ' ]] && { COMP_WORDS+=(""); COMP_CWORD=$((COMP_CWORD + 1)); }
        _gymtui_completion gymtui
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**around, "LINE": line},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.split()


def watched(home: Path, url: str, *run_ids: str) -> Path:
    """Leave a journal as a dashboard would, the last one seen last."""
    path = paths.state_dir(isolated(home)) / file_name(url)
    path = home / "state" / "gymtui" / path.name
    journal = Journal(path)
    for number, run_id in enumerate(run_ids):
        at = NOW + timedelta(minutes=number)
        journal.record([StateObservation("rol", run_id, "running", None, at, at, None)])
    journal.keep_summaries(SavedSummary("kept", True, 1, {"passed": 1}))
    journal.close()
    return path


def test_commands_and_options_are_offered(tmp_path: Path) -> None:
    assert {"runs", "rollouts", "wait", "report"} <= set(offered(tmp_path, "gymtui "))
    assert in_bash(tmp_path, "gymtui roll") == offered(tmp_path, "gymtui roll") == ["rollouts"]
    assert "--fail-under" in offered(tmp_path, "gymtui wait --f")


def test_profiles_and_sources_are_offered(tmp_path: Path) -> None:
    config = tmp_path / "config" / "gymtui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[profiles.lab]\n[profiles.lake]\n[profiles."$(touch x)"]\n')
    assert offered(tmp_path, "gymtui --profile la") == ["lab", "lake"]
    assert offered(tmp_path, "gymtui runs --profile ") == ["lab", "lake"]
    assert "datadog-synthetics" in offered(tmp_path, "gymtui runs --source ")
    config.write_text("not = [ TOML")
    assert offered(tmp_path, "gymtui --profile la") == []


def test_runs_watched_on_this_gym_are_offered_the_last_first(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1"
    hostile = ("$(touch pwned)", "a b", "-rf", "x;y", "`id`", "q'q", "\x1b]0;t\x07", "new\nline")
    watched(tmp_path, url, "older", *hostile, "nightly/1:a", "newer")
    env = {"GYMTUI_BASE_URL": url}
    found = offered(tmp_path, "gymtui wait ", **env)
    assert found == ["kept", "newer", "nightly/1:a", "older"], "nothing that a shell would act on"
    assert offered(tmp_path, "gymtui cancel new", **env) == ["newer"]
    assert offered(tmp_path, "gymtui report old --base-url " + url) == []
    assert offered(tmp_path, f"gymtui report --base-url {url} old") == ["older"]
    assert offered(tmp_path, "gymtui wait ", GYMTUI_BASE_URL="http://127.0.0.1:2") == []


def test_a_journal_that_cannot_be_read_offers_nothing(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1"
    path = watched(tmp_path, url, "one")
    path.write_bytes(b"not a database at all" * 100)
    assert offered(tmp_path, "gymtui wait ", GYMTUI_BASE_URL=url) == []


def test_looking_for_runs_never_runs_the_command_for_the_key(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1"
    watched(tmp_path, url, "one")
    config = tmp_path / "config" / "gymtui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'base_url = "{url}"\napi_key_command = ["touch", "{tmp_path / "ran"}"]\n')
    assert "one" in offered(tmp_path, "gymtui wait ")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(tmp_path: Path, shell: str) -> None:
    done = gymtui(tmp_path, "completion", shell)
    assert done.returncode == 0, done.stderr
    assert "_GYMTUI_COMPLETE" in done.stdout


COMMANDS = main.list_commands(click.Context(main))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_there(tmp_path: Path, command: str) -> None:
    done = gymtui(tmp_path, *([command] if command else []), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: gymtui {command}".rstrip())


def test_a_comma_in_a_name_or_a_description_does_not_end_it_in_fish(tmp_path: Path) -> None:
    script = gymtui(tmp_path, "completion", "fish").stdout
    assert script.count("string split") == script.count('string split --max 1 ","') == 1
