"""`cancel` and `delete`: they ask on a terminal, want `--yes` off one, and tell each outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gymtui.cli.run_actions import status_of
from gymtui.session.actions import ActionOutcome, ActionResult, Verb
from tests.cli.calling import OnTerminal, fault, finish, gymtui, launch
from tests.gym.running_gym import RunningGym, serving_gym
from tests.helpers import patient_http


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym so slow that what is launched on it still runs when it is looked at."""
    with serving_gym(tmp_path_factory.mktemp("gym"), speed=0.01, faults=True) as gym:
        yield gym


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym on which everything ends at once."""
    with serving_gym(tmp_path_factory.mktemp("quick"), faults=True) as gym:
        yield gym


def there(gym: RunningGym, name: str) -> bool:
    return patient_http.get(f"{gym.url}/runs/{name}").status_code == 200


def untouched(gym: RunningGym, name: str) -> bool:
    run = patient_http.get(f"{gym.url}/runs/{name}").json()
    return bool(run["pending"] + run["running"] == run["total"])


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_off_a_terminal_nothing_goes_without_yes(
    gym: RunningGym, tmp_path: Path, verb: str
) -> None:
    launch(gym, f"kept-{verb}")
    done = gymtui(tmp_path, verb, f"kept-{verb}", "--base-url", gym.url, given="y\n")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert untouched(gym, f"kept-{verb}")


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_read_only_refuses_even_yes(gym: RunningGym, tmp_path: Path, verb: str) -> None:
    launch(gym, f"locked-{verb}")
    name = f"locked-{verb}"
    for arguments, env in (
        (["--read-only", verb, name, "--yes"], {}),
        ([verb, name, "--yes"], {"GYMTUI_READ_ONLY": "1"}),
    ):
        done = gymtui(tmp_path, *arguments, "--base-url", gym.url, **env)
        assert done.returncode == 2
        assert "read-only" in done.stderr
    assert untouched(gym, name)


def test_each_outcome_is_told(gym: RunningGym, tmp_path: Path) -> None:
    launch(gym, "one", rollout_count=3)
    launch(gym, "two")
    done = gymtui(
        tmp_path, "cancel", "one", "two", "none\x1b[2J", "one", "--yes", "--base-url", gym.url
    )
    assert done.returncode == 4, "one of them is not there"
    assert done.stdout.splitlines() == ["cancelled 3 rollouts of one", "cancelled 1 rollout of two"]
    assert done.stderr == "gymtui: no such run: none\n"


def test_json_tells_the_same_with_exact_ids(quick: RunningGym, tmp_path: Path) -> None:
    launch(quick, "日本\x1b")
    finish(quick, "日本\x1b")
    arguments = ("delete", "日本\x1b", "none", "--yes", "--json", "--base-url", quick.url)
    done = gymtui(tmp_path, *arguments)
    assert done.returncode == 4
    first, second = json.loads(done.stdout)
    assert (first["run_id"], first["ok"], first["rollouts"]) == ("日本\x1b", True, 1)
    assert (second["run_id"], second["ok"], second["rollouts"]) == ("none", False, None)


def test_a_run_that_has_ended_has_nothing_to_cancel(quick: RunningGym, tmp_path: Path) -> None:
    launch(quick, "over")
    finish(quick, "over")
    done = gymtui(tmp_path, "cancel", "over", "--yes", "--base-url", quick.url)
    assert (done.returncode, done.stdout) == (0, "")
    assert "already finished" in done.stderr
    done = gymtui(tmp_path, "cancel", "over", "--yes", "--json", "--base-url", quick.url)
    [told] = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["run_id"], told["outcome"], told["ok"]) == ("over", "nothing to cancel", True)
    assert told["message"] in done.stderr


def test_a_refusal_of_one_leaves_the_others_done(quick: RunningGym, tmp_path: Path) -> None:
    for name in ("a", "b"):
        launch(quick, name)
        finish(quick, name)
    fault(quick, "/runs/a", times=2, kind="status", status=403, detail="not yours")
    done = gymtui(tmp_path, "delete", "a", "b", "--yes", "--base-url", quick.url)
    # The first is refused already when it is looked at: then nothing is done at all.
    assert done.returncode == 4
    assert "not yours" in done.stderr
    assert there(quick, "b")


def goes_wrong(gym: RunningGym, method: str, name: str, **fault: object) -> None:
    """Have the next cancel or delete of a run go wrong."""
    order = {"method": method, "path": f"/runs/{name}", "fault": fault}
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()


@pytest.mark.parametrize(
    ("fault", "why", "done"),
    [
        ({"kind": "drop", "when": "after"}, "dropped", True),
        ({"kind": "malformed"}, "a web page, not the gym", True),
        ({"kind": "truncated"}, "cut off", True),
        ({"kind": "drop", "when": "before"}, "dropped", False),
        ({"kind": "status", "status": 502}, "502", False),
    ],
)
def test_a_delete_without_a_clear_answer_is_looked_up(
    quick: RunningGym, tmp_path: Path, fault: dict[str, object], why: str, done: bool
) -> None:
    name = f"unclear-{fault['kind']}-{done}"
    launch(quick, name)
    finish(quick, name)
    goes_wrong(quick, "DELETE", name, **fault)
    arguments = ("delete", name, "--yes", "--json", "--base-url", quick.url)
    ended = gymtui(tmp_path, *arguments)
    assert there(quick, name) is not done
    assert ended.returncode == (0 if done else 4)
    assert f"{name}: no clear answer" in ended.stderr
    assert "checking …" in ended.stderr
    (said,) = json.loads(ended.stdout)
    assert (said["ok"], said["outcome"]) == (done, "not found" if done else "still exists")
    assert why in said["message"]


def test_a_cancel_that_did_not_come_about_says_that_the_run_still_runs(
    gym: RunningGym, tmp_path: Path
) -> None:
    launch(gym, "goes-on")
    goes_wrong(gym, "POST", "goes-on/cancel", kind="status", status=500)
    done = gymtui(tmp_path, "cancel", "goes-on", "--yes", "--base-url", gym.url)
    assert (done.returncode, done.stdout) == (4, "")
    assert "goes-on is still running: no clear answer (500 told to fail)" in done.stderr
    assert untouched(gym, "goes-on")


@pytest.mark.parametrize(("after", "status"), [("1", 0), ("3600", 4)])
def test_a_429_is_obeyed_or_called_what_it_is(
    quick: RunningGym, tmp_path: Path, after: str, status: int
) -> None:
    name = f"limited-{after}"
    launch(quick, name)
    finish(quick, name)
    goes_wrong(quick, "DELETE", name, kind="status", status=429, retry_after=after)
    done = gymtui(tmp_path, "delete", name, "--yes", "--base-url", quick.url)
    assert done.returncode == status
    assert there(quick, name) == bool(status)
    if status:
        assert f"{name} was not deleted: rate limited, retry in 1h00m" in done.stderr
        assert "refused" not in done.stderr
    else:
        assert done.stdout == f"deleted {name} and 1 rollout\n"


@pytest.mark.parametrize(
    ("outcomes", "missing", "status"),
    [
        (["done"], [], 0),
        (["done", "unknown"], [], 3),
        (["unknown", "still exists"], [], 4),
        (["unknown"], ["none"], 4),
        *(([it], [], 4) for it in ("refused", "rate limited", "not found", "still exists")),
        ([], ["none"], 4),
    ],
)
def test_the_exit_code_tells_what_failed(
    outcomes: list[str], missing: list[str], status: int
) -> None:
    done = [ActionResult(Verb.DELETE, "a", ActionOutcome(outcome)) for outcome in outcomes]
    assert status_of(done, missing) == status


def test_no_answer_ends_with_3(tmp_path: Path) -> None:
    done = gymtui(tmp_path, "delete", "x", "--yes", "--base-url", "http://127.0.0.1:1")
    assert done.returncode == 3


def test_on_a_terminal_it_lists_what_goes_and_only_y_does_it(
    gym: RunningGym, tmp_path: Path
) -> None:
    launch(gym, "asked", rollout_count=2)
    for answer in ("n\r", "\r", "\x04"):
        with OnTerminal(tmp_path, "cancel", "asked", "--base-url", gym.url) as terminal:
            terminal.wait_for("[y/N]")
            assert "Cancel this run?" in terminal.text
            assert "asked  2 rollouts, 2 unfinished" in terminal.text
            terminal.type(answer)
            seen = terminal.end()
        assert seen.status == 1
        assert "nothing was changed" in seen.text
        assert untouched(gym, "asked")
    with OnTerminal(tmp_path, "cancel", "asked", "--base-url", gym.url) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\r")
        seen = terminal.end()
    assert seen.status == 0
    assert "cancelled 2 rollouts of asked" in seen.text


@pytest.mark.parametrize(
    ("names", "asked", "typed", "does_it"),
    [
        (["x"], "type x: ", "y", False),
        (["x"], "type x: ", "x", True),
        (["x", "other"], "type 2: ", "y", False),
        (["x", "other"], "type 2: ", "2", True),
    ],
)
def test_deleting_what_runs_or_several_wants_id_or_count_typed(
    gym: RunningGym, tmp_path: Path, names: list[str], asked: str, typed: str, does_it: bool
) -> None:
    for name in names:
        if not there(gym, name):
            launch(gym, name)
    with OnTerminal(tmp_path, "delete", *names, "--base-url", gym.url) as terminal:
        terminal.wait_for(asked)
        terminal.type(f"{typed}\r")
        seen = terminal.end()
    assert seen.status == (0 if does_it else 1), seen.text
    assert [there(gym, name) for name in names] == [not does_it] * len(names)


def test_an_interrupted_question_keeps_everything_quietly(gym: RunningGym, tmp_path: Path) -> None:
    launch(gym, "interrupted")
    with OnTerminal(tmp_path, "cancel", "interrupted", "--base-url", gym.url) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("\x03")
        seen = terminal.end()
    assert seen.status in (130, -2)
    assert "Traceback" not in seen.text
    assert "Abort" not in seen.text
    assert untouched(gym, "interrupted")
