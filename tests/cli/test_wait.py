"""`wait`, as scripts and people call it."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from gymtui.api.models import RunStatus
from gymtui.cli import follower, wait
from gymtui.cli.list_filters import COMMAND_RUNS, read_filters
from gymtui.cli.profiles import RenewableKey, gyms_of
from gymtui.cli.progress_line import ProgressLine
from gymtui.cli.wait import WaitOptions, WaitResult, judge_run, wait_for
from gymtui.config.settings import Settings, load
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import Outcome
from gymtui.store.records import RunRow
from gymtui.store.stats.run_summary import RunSummary
from tests.api.raw_server import Seen, http, raw_server
from tests.cli.calling import OnTerminal, Running, fault, finish, gymtui, in_shell, launch
from tests.gym.running_gym import RunningGym, serving_gym
from tests.helpers import patient_http
from tests.helpers.model_gym import ended, run


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym with two finished runs, `good` and `bad`."""
    with serving_gym(tmp_path_factory.mktemp("quick"), faults=True) as gym:
        launch(gym, "good", rollout_count=3)
        launch(gym, "bad", model="scripted/lost", rollout_count=3)
        finish(gym, "good")
        finish(gym, "bad")
        yield gym


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym on which nothing ends while a test looks."""
    with serving_gym(tmp_path_factory.mktemp("slow"), speed=0.01) as gym:
        yield gym


def test_what_is_over_and_has_verdicts_is_done(quick: RunningGym, tmp_path: Path) -> None:
    done = gymtui(tmp_path, "wait", "good", "bad", "--base-url", quick.url)
    assert done.returncode == 0, "failing rollouts are no failed run, unless asked for"
    good, bad = done.stdout.splitlines()
    assert good.startswith("good: 3/3 done · pass@1 100% ")
    assert bad.startswith("bad: 3/3 done · pass@1 0% ")


def test_what_was_over_before_is_told_at_the_first_look(quick: RunningGym, tmp_path: Path) -> None:
    patient = ("--interval", "60", "--timeout", "30s")
    done = gymtui(tmp_path, "wait", "good", *patient, "--base-url", quick.url)
    assert done.returncode == 0
    assert done.stderr.splitlines() == done.stdout.splitlines()


def test_a_run_is_followed_to_its_end(tmp_path: Path) -> None:
    with serving_gym(tmp_path, held=True) as gym:
        launch(gym, "live", rollout_count=2)
        command = ("wait", "live", "--interval", "0.1", "--json", "--base-url", gym.url)
        with Running(tmp_path, *command) as waiting:
            first = waiting.stderr.readline()
            gym.let_go()
            done = waiting.end()
    err = done.stderr
    assert done.returncode == 0, err
    document = json.loads(done.stdout)
    assert (document["timed_out"], document["failed"]) == (False, False)
    [run] = document["runs"]
    assert (run["run_id"], run["ended"], run["reason"]) == ("live", True, None)
    assert run["numbers"]["verdicts"] == 2
    lines = (first + err).splitlines()
    assert lines[0].startswith("live: 0/2 done")
    assert all(line != after for line, after in pairwise(lines)), "a line a change"
    assert "\r" not in first + err
    assert lines[-1].startswith("live: 2/2 done · pass@1 ")


def test_fail_under_judges_pass_at_1(quick: RunningGym, tmp_path: Path) -> None:
    script = f"gymtui wait good bad --fail-under 0.8 --base-url {quick.url}; echo $?"
    done = in_shell(tmp_path, script)
    good, bad, status = done.stdout.splitlines()
    assert "failed" not in good
    assert bad.endswith("failed: pass@1 is below 80%")
    assert status == "1"
    assert (
        gymtui(tmp_path, "wait", "good", "--fail-under", "80%", "--base-url", quick.url).returncode
        == 0
    )


def run_view(total: int, **counts: int) -> RunView:
    outcomes = {Outcome(name): number for name, number in counts.items()}
    run = RunStatus(run_id="r", total=total, completed=total)
    summary = RunSummary(sum(counts.values()), Counter(outcomes), None, None, None, None, None)
    return RunView(RunRow("r", b"{}", 0.0, run), summary)


@pytest.mark.parametrize(
    ("view", "fail_under", "why"),
    [
        (run_view(4, passed=1, failed=3), None, None),
        (run_view(4, passed=1, environment=3), None, None),
        (run_view(4, passed=1, environment=3), 1.0, None),
        (run_view(4, passed=3, failed=1), 0.75, None),
        (run_view(4, passed=3, failed=1), 0.76, "pass@1 is below 76%"),
        (run_view(4, environment=3, agent=1), None, "no verdict, 4 errors"),
        (run_view(1, environment=1), 0.5, "no verdict, 1 error"),
        (run_view(4, passed=3, cancelled=1), None, "1 of 4 rollouts cancelled"),
        (run_view(0), None, "no rollouts"),
    ],
)
def test_what_a_failed_run_is(view: RunView, fail_under: float | None, why: str | None) -> None:
    assert judge_run(view, WaitOptions(fail_under=fail_under), over=True).why == why
    assert judge_run(view, WaitOptions(fail_under=fail_under), over=False).why is None


def test_a_timeout_ends_with_124_and_leaves_the_runs_alone(
    slow: RunningGym, tmp_path: Path
) -> None:
    launch(slow, "long", rollout_count=2)
    done = gymtui(tmp_path, "wait", "long", "--timeout", "1s", "--json", "--base-url", slow.url)
    assert done.returncode == 124
    assert "the runs continue" in done.stderr
    document = json.loads(done.stdout)
    assert document["timed_out"]
    # On a busy machine the time may be over before the run was seen.
    assert not any(seen["ended"] for seen in document["runs"])
    run = patient_http.get(f"{slow.url}/runs/long").json()
    assert run["pending"] + run["running"] == 2


def cancelled(
    directory: Path, gym: RunningGym, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """What `wait` says on a held gym, which goes on once a run is cancelled."""
    command = ("wait", *arguments, "--interval", "0.1", "--base-url", gym.url)
    with Running(directory, *command) as waiting:
        err = ""
        for line in waiting.stderr:
            err += line
            if line.startswith("cancelled "):
                gym.let_go()
        done = waiting.end()
    return subprocess.CompletedProcess(arguments, done.returncode, done.stdout, err)


def test_cancel_if_cancels_once_and_counts_as_failed(tmp_path: Path) -> None:
    with serving_gym(tmp_path, held=True) as gym:
        tasks = ["schedule_phone_screen", "onboard_new_hire", "record_title_change"]
        shape = {"rollout_count": 2, "max_parallel": 2, "max_steps": 2}
        launch(gym, "doomed", task_ids=tasks, model="scripted/lost", **shape)
        while patient_http.get(f"{gym.url}/runs/doomed").json()["completed"] < 2:
            gym.step()
        done = cancelled(tmp_path, gym, "doomed", "--cancel-if", "done>=2 pass<90%")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("cancelled ") == 1
    assert "of doomed: done>=2 pass<90%" in done.stderr
    assert " · certainly 0–" in done.stderr, "what decides is said"
    assert "failed: cancelled by --cancel-if" in done.stdout


@pytest.mark.parametrize(("status", "times"), [(429, 1), (503, 4)])
def test_cancel_if_tries_until_it_is_done_where_the_gym_was_only_busy(
    tmp_path: Path, status: int, times: int
) -> None:
    with serving_gym(tmp_path, held=True, faults=True) as gym:
        launch(gym, "doomed")
        fault(gym, "/cancel$", kind="status", status=status, times=times)
        done = cancelled(tmp_path, gym, "doomed", "--cancel-if", "total>=1")
    assert done.returncode == 1, done.stderr
    assert "failed: cancelled by --cancel-if" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cancel-if", "donee>=2"], "did you mean done?"),
        (["--cancel-if", " "], "would cancel every run"),
        (["--fail-under", "80"], "a share from 0 to 1"),
        (["--timeout", "soon"], "not a duration"),
        ([], "Missing argument"),
    ],
)
def test_mistakes_are_told_before_anything_is_asked(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    names = ["x"] if arguments else []
    done = gymtui(tmp_path, "wait", *names, *arguments, "--base-url", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert words in done.stderr


def test_nothing_is_cancelled_read_only(slow: RunningGym, tmp_path: Path) -> None:
    command = ("--read-only", "wait", "x", "--cancel-if", "pass<1%", "--base-url", slow.url)
    assert gymtui(tmp_path, *command).returncode == 2


def test_a_gym_that_never_answers_ends_with_3_after_its_time(tmp_path: Path) -> None:
    done = gymtui(
        tmp_path, "wait", "x", "--interval", "0.2", "--patience", "1s",
        "--base-url", "http://127.0.0.1:1",
    )  # fmt: skip
    assert done.returncode == 3
    assert "no answer: connection refused; retrying" in done.stderr
    assert "no answer from the gym for" in done.stderr


def test_a_gym_that_stumbles_is_asked_again(quick: RunningGym, tmp_path: Path) -> None:
    fault(quick, "/runs/good", times=2, kind="status", status=503)
    done = gymtui(tmp_path, "wait", "good", "--interval", "0.1", "--base-url", quick.url)
    assert done.returncode == 0
    assert "no answer: 503; retrying" in done.stderr
    assert "the gym is answering again" in done.stderr


def test_a_run_that_is_not_there_ends_with_4(quick: RunningGym, tmp_path: Path) -> None:
    done = gymtui(tmp_path, "wait", "nobody", "--base-url", quick.url)
    assert done.returncode == 4
    assert "no such run: nobody" in done.stderr


def test_on_a_terminal_one_line_is_rewritten_and_interrupting_is_quiet(
    slow: RunningGym, tmp_path: Path
) -> None:
    launch(slow, "watched", rollout_count=2)
    command = ("wait", "watched", "--interval", "0.1", "--base-url", slow.url)
    with OnTerminal(tmp_path, *command, columns=60) as terminal:
        terminal.wait_for("watched: 0/2 done")
        terminal.type("\x03")
        seen = terminal.end()
    assert seen.status in (130, -2)
    assert "Traceback" not in seen.text
    assert "\n" not in seen.text.replace("^C", "").strip("\r\n")
    assert seen.text.rstrip("\r\n").endswith("\r\x1b[K"), "the prompt finds an empty line"


def test_an_interrupt_ends_it_by_the_signal_so_that_a_shells_loop_ends_too(
    slow: RunningGym, tmp_path: Path
) -> None:
    launch(slow, "looped")
    with Running(tmp_path, "wait", "looped", "--base-url", slow.url) as waiting:
        assert waiting.stderr.readline().startswith("looped: 0/1 done")
        waiting.process.send_signal(signal.SIGINT)
        done = waiting.end()
    assert done.returncode == -signal.SIGINT
    assert (done.stdout, done.stderr) == ("", "")


# -- refused and forbidden -----------------------------------------------------------------


def test_a_forbidden_run_is_told_and_the_others_are_judged(
    quick: RunningGym, tmp_path: Path
) -> None:
    launch(quick, "theirs")
    finish(quick, "theirs")
    fault(quick, "/runs/theirs$", times=None, kind="status", status=403, detail="not yours")
    try:
        command = ("wait", "theirs", "good", "--base-url", quick.url)
        done = gymtui(tmp_path, *command)
        assert done.returncode == 4
        assert done.stdout.startswith("good: 3/3 done")
        assert "theirs: forbidden (403): not yours\n" in done.stderr
        assert "gymtui: no API key found" in done.stderr
        done = gymtui(tmp_path, *command, "bad", "--fail-under", "1%", "--json")
        assert done.returncode == 1, "one that can be seen failed"
        document = json.loads(done.stdout)
        assert document["forbidden"] == ["theirs"]
        assert [run["run_id"] for run in document["runs"]] == ["good", "bad"]
        assert not any(run["forbidden"] for run in document["runs"])
    finally:
        patient_http.delete(f"{quick.url}/__faults__").raise_for_status()


def test_forbidden_results_of_a_run_that_is_over_are_no_failure(
    quick: RunningGym, tmp_path: Path
) -> None:
    fault(quick, "/rollouts$", times=None, kind="status", status=403, detail="not yours")
    try:
        done = gymtui(tmp_path, "wait", "good", "--json", "--base-url", quick.url)
    finally:
        patient_http.delete(f"{quick.url}/__faults__").raise_for_status()
    assert done.returncode == 4, done.stderr
    [run] = json.loads(done.stdout)["runs"]
    assert (run["ended"], run["failed"], run["forbidden"]) == (True, False, True)


async def test_a_key_that_is_mended_in_its_file_while_waiting_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "REFUSED_S", 0.01)
    old, new = (f"ck_{name}_0123456789abcdef" for name in ("old", "new"))
    config = tmp_path / "config.toml"
    looks: list[str] = []

    def write(key: str) -> None:
        config.write_text(f'api_key = "{key}"\nbase_url = "{gym.url}"\n')
        config.chmod(0o600)

    def answer(request: Seen) -> bytes:
        key = request.headers["api-key"]
        looks.append(key)
        if looks.count(old) > 1 and key == old:
            if looks.count(old) == 3:
                write(new)
            return http(401, b'{"detail": "bad key"}')
        over = key == new
        if request.target.startswith(b"/rollouts"):
            items = [ended("r.1", "r")] if over else []
            return http(200, json.dumps({"total": len(items), "rollouts": items}).encode())
        return http(200, json.dumps(run("r", 1, running=0 if over else 1)).encode())

    async with raw_server(answer) as gym:
        write(old)
        env = {"GYMTUI_CONFIG": str(config), "SIMLAB_CONFIG": str(tmp_path / "none")}
        found = load({}, env, config, None)
        key = RenewableKey(gyms_of(found, {}, env), found.settings)
        settings = found.settings.model_copy(update={"interval_s": 0.01})
        told = io.StringIO()
        line = ProgressLine(told)
        waited = await asyncio.to_thread(wait_for, settings, ["r"], WaitOptions(), line, key.find)
    assert [run.over for run in waited.runs] == [True]
    assert not waited.failed
    assert key.settings.key is not None and key.settings.key.reveal() == new
    assert looks.count(old) == 3
    assert "the key was refused (401): bad key; retrying\n" in told.getvalue()
    assert "the gym is answering again\n" in told.getvalue()


# -- a cancel that does not come about at once ----------------------------------------------


class Cancelling:
    """A gym with one run, `r`, that is over once a cancel was carried out, or it was looked at.

    Attributes:
        said: What it says to a cancel, in turn: a status, and whether it does it.
        looks: How often it is looked at until it is over by itself.
        sent: How many cancels came.
        told: What was told while waiting.
    """

    def __init__(self, *said: tuple[int, bool], looks: int = 500) -> None:
        self.said = list(said)
        self.looks = looks
        self.sent = 0
        self.told = ""
        self._over = False

    def _answer(self, request: Seen) -> bytes:
        if request.target.endswith(b"/cancel"):
            status, done = self.said[self.sent]
            self.sent += 1
            self._over |= done
            return http(status, json.dumps({"run_id": "r", "cancelled_rollouts": 1}).encode())
        if request.target.startswith(b"/rollouts"):
            items = [ended("r.1", "r")] if self._over else []
            return http(200, json.dumps({"total": len(items), "rollouts": items}).encode())
        self.looks -= 1
        self._over |= self.looks <= 0
        return http(200, json.dumps(run("r", 1, running=0 if self._over else 1)).encode())

    async def waited_for(self, patience_s: float = 300.0) -> WaitResult:
        """What comes of waiting for it."""
        told = io.StringIO()
        terms = WaitOptions(
            patience_s=patience_s, cancel_if=read_filters(["total>=1"], COMMAND_RUNS)
        )
        async with raw_server(self._answer) as gym:
            settings = Settings(base_url=gym.url).model_copy(update={"interval_s": 0.01})
            waited = await asyncio.to_thread(wait_for, settings, ["r"], terms, ProgressLine(told))
        self.told = told.getvalue()
        return waited


@pytest.mark.parametrize("status", [401, 403])
async def test_a_cancel_that_is_refused_to_the_key_is_tried_again_like_all_else(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "REFUSED_S", 0.01)
    gym = Cancelling((status, False), (status, False), (200, True))
    waited = await gym.waited_for()
    assert [run.why for run in waited.runs] == ["cancelled by --cancel-if"]
    assert gym.sent == 3
    assert gym.told.count("r was not cancelled: ") == gym.told.count("; retrying\n") == 2


@pytest.mark.parametrize("status", [401, 403, 409])
async def test_a_cancel_that_is_refused_for_longer_than_is_waited_is_given_up(status: int) -> None:
    gym = Cancelling((status, False), looks=3)
    waited = await gym.waited_for(patience_s=0.0)
    assert [(run.over, run.why) for run in waited.runs] == [(True, None)]
    assert gym.sent == 1
    assert "retrying" not in gym.told


async def test_a_cancel_that_the_gym_agrees_to_and_does_not_carry_out_is_told_and_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wait, "CARRIED_OUT_S", 0.0)
    gym = Cancelling((200, False), (503, False), (200, True))
    monkeypatch.setattr(wait, "FIRST_PAUSE_S", 0.01)
    waited = await gym.waited_for()
    assert [run.why for run in waited.runs] == ["cancelled by --cancel-if"]
    assert gym.sent == 3
    assert gym.told.count("r: cancel accepted, still running\n") == 2


async def test_a_cancel_that_the_gym_agreed_to_has_its_time() -> None:
    gym = Cancelling((200, False), looks=5)
    await gym.waited_for()
    assert gym.sent == 1
    assert "still running" not in gym.told
