"""`gymtui compare`: the figures of the screen and of reports, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.core.paths import beside
from gymtui.store.history.journal_place import file_name
from tests.cli.in_process import URL, Shell
from tests.tui.scripted import ScriptedGym


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two checkpoints with other temperatures; the later one has lost a task."""
    gym = ScriptedGym()
    for run, temperature in (("s2000", 0.7), ("s3000", 1.0)):
        settings = {"model": "policy", "temperature": temperature}
        for task in ("a", "b", "c"):
            gym.add(run, task, *["pass"] * 4, model_config=settings)
    worse = {"success": False, "output": {"failed_criteria": ["Ruth Abara told"]}}
    gym.add("s2000", "call", *["pass"] * 6, model_config={"model": "policy", "temperature": 0.7})
    gym.add(
        *("s3000", "call", *["fail"] * 6),
        result=worse,
        model_config={"model": "policy", "temperature": 1.0},
    )
    return Shell(tmp_path, gym.answer, monkeypatch)


def test_runs_settings_tasks_and_failures_that_differ_are_printed(shell: Shell) -> None:
    done = shell("compare", "s2000", "s3000")
    assert done.returncode == 0
    runs, settings, tasks, failures = done.stdout.split("\n\n")
    assert runs.splitlines()[2].split() == [
        *("s3000", "67%", "22–93", "of", "18", "-25pp", "-100", "to", "+54", "1", "4"),
    ]
    assert settings.splitlines()[1].split() == ["temperature", "0.7", "1.0"]
    assert len(tasks.splitlines()) == 2, "tasks that do not differ are left out"
    assert tasks.splitlines()[1].split()[:5] == ["call", "100%", "of", "6", "0%"]
    assert "strong evidence" in tasks
    assert failures.splitlines()[1].split()[:6] == ["✗", "Ruth", "Abara", "told", "6", "+33"]
    assert "compared with s2000; 1 of 4 tasks differ" in done.stderr


def test_json_has_the_figures_of_the_report(shell: Shell) -> None:
    document = json.loads(shell("compare", "s2000", "s3000", "--json").stdout)
    report = json.loads(shell("report", "s2000", "s3000", "--json").stdout)
    for name in ("differences", "tasks", "failures"):
        assert document[name] == report[name]
    assert document["settings"] == [
        {"name": "temperature", "values": {"s2000": "0.7", "s3000": "1.0"}}
    ]


def test_one_run_is_compared_with_nothing(shell: Shell) -> None:
    done = shell("compare", "s2000", "s2000")
    assert (done.returncode, done.stdout) == (2, "")
    assert "two or more" in done.stderr
    assert shell("compare", "s2000", "gone").returncode == 4


def test_csv_has_a_line_a_run(shell: Shell) -> None:
    heading, first, second = shell("compare", "s2000", "s3000", "--csv").stdout.splitlines()
    assert heading.startswith("run_id,passes,verdicts,pass_rate,pass_rate_low,")
    assert first.split(",")[:4] == ["s2000", "18", "18", "1.0"]
    line = dict(zip(heading.split(","), second.split(","), strict=True))
    assert (line["against"], line["tasks"], line["mean"]) == ("s2000", "4", "-0.25")


def against(report: dict[str, Any]) -> list[str | None]:
    """What each run is compared with, in the order of their training."""
    return [point["against"] for point in report["trend"]]


def test_a_report_compares_with_the_baseline_that_is_named_or_was_chosen(
    shell: Shell, tmp_path: Path
) -> None:
    def report(*arguments: str) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(shell("report", *arguments, "--json").stdout)
        return made

    before = report("s2000", "s3000")
    assert (before["baseline"], against(before)) == (None, [None, "s2000"])
    named = report("s2000", "s3000", "--baseline", "s3000")
    assert (named["baseline"], against(named)) == ("s3000", ["s3000", None])
    (alone,) = report("s3000", "--baseline", "s2000")["trend"]
    assert alone["difference"]["mean"] == -0.25
    assert shell("report", "s3000", "--baseline", "gone").returncode == 4
    chosen = beside(tmp_path / "state" / "gymtui" / file_name(URL), "baseline")
    assert chosen is not None
    chosen.parent.mkdir(parents=True, exist_ok=True)
    for run, found in (("s3000", "s3000"), ("gone", None)):
        chosen.write_text(json.dumps({"baseline": run}))
        assert report("s2000", "s3000")["baseline"] == found
    assert "▼ below s2000" in shell("report", "s3000", "--baseline", "s2000", "--html").stdout
