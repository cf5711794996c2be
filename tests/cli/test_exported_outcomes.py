"""What was exported reopens with how it ended: the record beside each transcript."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.transcript.artifact_files import find
from tests.cli.in_process import Done, Shell
from tests.tui.scripted import ScriptedGym

JUDGED = {
    "success": False,
    "message": "Missing: calendar event",
    "score": 0.25,
    "failed_criteria": ["event created", "room booked"],
}
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


class Gym(ScriptedGym):
    """A run of two rollouts, `n.001` passed and `n.002` judged, that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.add("n", "hr-1", "pass")
        self.add("n", "hr-2", "fail", result=JUDGED, termination_reason="gave up")
        for rollout in self.runs["n"]:
            rollout_id = rollout["rollout_id"]
            self.artifacts[rollout_id] = {"rollout_id": rollout_id, "artifacts": HELLO}

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/artifacts"):
            self.fetched.append(request.url.path.split("/")[2])
        return super().answer(request)

    def fetched_since(self) -> list[str]:
        """The rollouts whose artifacts were asked for since this was last called."""
        fetched, self.fetched = self.fetched, []
        return sorted(fetched)


@pytest.fixture
def gym() -> Gym:
    return Gym()


@pytest.fixture
def shell(gym: Gym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, gym.answer, monkeypatch)


def export(shell: Shell, directory: Path, *form: str) -> Done:
    done = shell("export", "n", "--to", str(directory), *form)
    assert done.returncode == 0, done.stderr
    return done


def record(directory: Path, rollout_id: str = "n.002") -> Path:
    return directory / f"{rollout_id}.rollout.json"


def test_what_was_exported_reopens_with_its_outcome(shell: Shell, gym: Gym, tmp_path: Path) -> None:
    directory = tmp_path / "o"
    export(shell, directory)
    assert json.loads(record(directory).read_text()) == gym.rollout("n.002")
    for form in ("--text", "--markdown"):
        done = shell("open", form, str(directory))
        assert (done.returncode, done.stderr) == (0, "")
        passed, _, failed = done.stdout.partition("n.002.json")
        assert "✓ pass" in passed and "All criteria met" in passed
        for told in ("✗ fail", "Missing: calendar event", "score 0.25", "- room booked"):
            assert told in failed
        assert "ended: gave up" in failed


def test_records_are_no_transcripts(tmp_path: Path, shell: Shell) -> None:
    export(shell, tmp_path)
    transcripts = [tmp_path / "n.001.json", tmp_path / "n.002.json"]
    assert find([tmp_path]) == transcripts
    assert find(sorted(tmp_path.glob("*.json"))) == transcripts
    assert find([record(tmp_path)]) == [record(tmp_path)]


def test_an_export_repeated_asks_for_nothing_that_is_finished_and_whole(
    shell: Shell, gym: Gym, tmp_path: Path
) -> None:
    for form in ("--json", "--markdown", "--text"):
        export(shell, tmp_path / "o", form)
        assert gym.fetched_since() == ["n.001", "n.002"]
        before = {file: file.stat().st_mtime_ns for file in (tmp_path / "o").iterdir()}
        assert "0 written, 2 already there of 2" in export(shell, tmp_path / "o", form).stderr
        assert gym.fetched_since() == []
        assert {file: file.stat().st_mtime_ns for file in (tmp_path / "o").iterdir()} == before


def test_an_export_repeated_tells_the_outcome_that_holds_now(
    shell: Shell, gym: Gym, tmp_path: Path
) -> None:
    export(shell, tmp_path)
    gym.fetched_since()
    gym.rollout("n.002")["result"] = {**JUDGED, "success": True, "message": "judged again"}
    done = export(shell, tmp_path)
    assert "0 written, 2 already there, 1 outcome updated of 2" in done.stderr
    assert gym.fetched_since() == []
    assert "judged again" in shell("open", "--text", str(tmp_path / "n.002.json")).stdout


@pytest.mark.parametrize("form", ["--markdown", "--text"])
def test_a_document_is_written_again_when_its_rollout_ended_otherwise(
    shell: Shell, gym: Gym, tmp_path: Path, form: str
) -> None:
    export(shell, tmp_path, form)
    gym.fetched_since()
    gym.rollout("n.002")["result"] = {**JUDGED, "success": True, "message": "judged again"}
    assert "1 written, 1 already there of 2" in export(shell, tmp_path, form).stderr
    assert gym.fetched_since() == ["n.002"]
    [document] = [file for file in tmp_path.glob("n.002.*") if file.suffix != ".old"]
    assert "judged again" in document.read_text()


@pytest.mark.parametrize(
    "then", [{"status": "running", "completed_at": None}, {"completed_at": "2020-01-01T00:00:00Z"}]
)
def test_artifacts_of_an_earlier_end_are_fetched_again(
    shell: Shell, gym: Gym, tmp_path: Path, then: dict[str, Any]
) -> None:
    now = dict(gym.rollout("n.002"))
    gym.rollout("n.002").update(then)
    export(shell, tmp_path)
    gym.fetched_since()
    gym.rollout("n.002").update(now)
    gym.artifacts["n.002"]["artifacts"] = {"messages": [{"role": "user", "content": "later"}]}
    assert "1 written, 1 already there of 2" in export(shell, tmp_path).stderr
    assert gym.fetched_since() == ["n.002"]
    text = shell("open", "--text", str(tmp_path / "n.002.json")).stdout
    assert "later" in text and "✗ fail" in text
    assert "hello" in (tmp_path / "n.002.json.old").read_text()


def test_what_cannot_be_fetched_again_stays_as_it_was(
    shell: Shell, gym: Gym, tmp_path: Path
) -> None:
    export(shell, tmp_path)
    gym.rollout("n.002")["completed_at"] = "2020-01-01T00:00:00Z"
    gym.artifacts["n.002"] = ["a login page"]
    before = sorted(tmp_path.iterdir())
    for _ in range(2):
        done = shell("export", "n", "--to", str(tmp_path))
        assert done.returncode == 4
        assert "1 already there, 1 failed of 2" in done.stderr
    assert sorted(tmp_path.iterdir()) == before
    assert "hello" in (tmp_path / "n.002.json").read_text()


DAMAGED = {
    "empty": (b"", "empty, not JSON"),
    "cut": (b'{"rollout_id": "n.0', "JSON that is cut off"),
    "page": (b"<html>log in</html>", "HTML, not JSON"),
    "list": (b"[]", "no rollout: not an object but a list"),
    "nameless": (b"{}", "no rollout: rollout_id"),
    "another": (b'{"rollout_id": "n.001", "status": "failed"}', "of another rollout, n.001"),
    "binary": (b"\x00\xff\xfe", "binary data, not JSON"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_record_is_told_and_the_transcript_opens(
    shell: Shell, gym: Gym, tmp_path: Path, kind: str
) -> None:
    body, said = DAMAGED[kind]
    export(shell, tmp_path)
    gym.fetched_since()
    record(tmp_path).write_bytes(body)
    done = shell("open", "--text", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout.count("hello") == 2
    assert "== result" not in done.stdout.partition("n.002.json")[2]
    assert f"n.002.rollout.json: {said}" in done.stderr
    again = export(shell, tmp_path)
    assert "2 already there, 1 outcome updated of 2" in again.stderr
    assert "rewritten" in again.stderr
    assert gym.fetched_since() == []
    assert json.loads(record(tmp_path).read_text()) == gym.rollout("n.002")


def test_a_record_that_is_missing_among_others_is_told(shell: Shell, tmp_path: Path) -> None:
    export(shell, tmp_path)
    record(tmp_path).unlink()
    done = shell("open", "--text", str(tmp_path))
    assert done.returncode == 0
    assert "no n.002.rollout.json beside it: its outcome is unknown" in done.stderr
    assert done.stdout.count("hello") == 2
    export(shell, tmp_path)
    assert shell("open", "--text", str(tmp_path)).stderr == ""


def test_transcripts_without_any_records_miss_none(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(HELLO))
    assert shell("open", "--text", str(tmp_path)).stderr == ""


@pytest.mark.parametrize("both", [True, False])
def test_packed_files_keep_their_outcome(shell: Shell, tmp_path: Path, both: bool) -> None:
    export(shell, tmp_path)
    for file in (tmp_path / "n.002.json", *([record(tmp_path)] if both else [])):
        (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    done = shell("open", "--text", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "score 0.25" in done.stdout


@pytest.mark.parametrize("also", ["", ', "odd": NaN'])
def test_a_record_holds_no_key(shell: Shell, gym: Gym, tmp_path: Path, also: str) -> None:
    gym.rollout("n.002")["model_config"] = {"model": "m", "api_key": "sk-secret"}
    said = super(Gym, gym).answer

    def answer(request: httpx.Request) -> httpx.Response:
        body = said(request).text.replace('"sk-secret"', f'"sk-secret"{also}')
        return httpx.Response(200, text=body)

    with pytest.MonkeyPatch.context() as patch:
        export(Shell(tmp_path / "home", answer, patch), tmp_path / "o")
    text = record(tmp_path / "o").read_text()
    assert "sk-secret" not in text
    assert json.loads(text)["model_config"]["model"] == "m"


def test_whoever_may_read_a_transcript_may_read_its_record(shell: Shell, tmp_path: Path) -> None:
    export(shell, tmp_path)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir() if file.is_file()}
    assert len(modes) == 1


def test_a_rollout_called_like_a_record_is_none(shell: Shell, gym: Gym, tmp_path: Path) -> None:
    gym.runs["n"][0]["rollout_id"] = "n.002.rollout"
    gym.artifacts["n.002.rollout"] = {"rollout_id": "n.002.rollout", "artifacts": HELLO}
    export(shell, tmp_path / "o")
    assert len(find([tmp_path / "o"])) == 2
    done = shell("open", "--text", str(tmp_path / "o"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ pass" in done.stdout and "✗ fail" in done.stdout


# -- what the vendor's client wrote --------------------------------------------------------

ARTIFACTS = {"version": "0.1", "task_id": "generated-task", "messages": HELLO["messages"]}
"""As `output/agent_run_generated-task_20260415_210354` in simlab's repository, with a message."""
OK = {
    "module": "collinear.scenarios.customer_support.verifiers.generated_task",
    "success": True,
    "message": "ok",
    "output": "",
}
NOT_OK = {**OK, "module": "collinear.verifiers.calendar", "success": False, "message": "no event"}
RUBRIC = {"score": 0.25, "verdict": "FAIL", "failed_criteria": ["room booked"]}

VERDICTS: dict[str, tuple[str, object, tuple[str, ...]]] = {
    "passed": ("verifier/reward.json", {"reward": 1.0, "verifier_results": [OK]}, ("✓ pass", "ok")),
    "failed": (
        "verifier/reward.json",
        {"reward": 0.0, "verifier_results": [OK, NOT_OK]},
        ("✗ fail", "calendar: no event; generated_task: ok"),
    ),
    "rubric": (
        "verifier/reward.json",
        {"reward": 0.0, "verifier_results": [NOT_OK], "rubric_result": RUBRIC},
        ("✗ fail", "score 0.25 · verdict FAIL", "- room booked"),
    ),
    "judge": (
        "verifier/reward.json",
        {"verifier_results": [{**NOT_OK, "output": json.dumps(RUBRIC)}]},
        ("✗ fail", "score 0.25", "- room booked"),
    ),
    "beside": ("reward.json", {"reward": 1}, ("✓ pass",)),
    "in part": ("verifier/reward.json", {"reward": 0.5}, ("✗ fail", "score 0.50")),
    "text": ("verifier/reward.txt", "1\n", ("✓ pass",)),
    "no": ("verifier/reward.txt", "false", ("✗ fail",)),
}


def put(directory: Path, place: str, said: object, artifacts: str = "artifacts.json") -> Path:
    """A run directory as simlab writes one."""
    for name, content in ((artifacts, ARTIFACTS), (place, said)):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return directory


@pytest.mark.parametrize("kind", VERDICTS)
@pytest.mark.parametrize("artifacts", ["artifacts.json", "agent/trajectory.json"])
def test_a_verdict_of_simlab_is_read(
    shell: Shell, tmp_path: Path, kind: str, artifacts: str
) -> None:
    place, said, told = VERDICTS[kind]
    put(tmp_path / "output" / "agent_run_generated-task_20260415_210354", place, said, artifacts)
    done = shell("open", "--text", str(tmp_path / "output"))
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("hello", *told):
        assert words in done.stdout


BROKEN = {
    "cut": ('{"reward"', "verifier/reward.json: JSON that is cut off"),
    "list": ("[]", "verifier/reward.json: no verdict: not an object"),
    "nothing": ("{}", "verifier/reward.json: no verdict: neither a reward nor verifier results"),
    "word": ('{"reward": "good", "verifier_results": [3, {}]}', "neither a reward nor"),
    "nan": ('{"reward": NaN}', "neither a reward nor"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_verdict_that_is_none_is_told_and_the_transcript_opens(
    shell: Shell, tmp_path: Path, kind: str
) -> None:
    said, why = BROKEN[kind]
    put(tmp_path / "a", "verifier/reward.json", said)
    done = shell("open", "--text", str(tmp_path))
    assert done.returncode == 2
    assert why in done.stderr
    assert "hello" in done.stdout and "== result" not in done.stdout


def test_a_verdict_that_is_missing_among_others_is_told(shell: Shell, tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path / name, "verifier/reward.json", {"reward": 1.0})
    (tmp_path / "b" / "verifier" / "reward.json").unlink()
    done = shell("open", "--text", str(tmp_path))
    assert done.returncode == 0
    assert "no verifier/reward.json beside it: its outcome is unknown" in done.stderr


def test_what_was_exported_here_goes_before_a_verdict(shell: Shell, tmp_path: Path) -> None:
    put(tmp_path / "a", "verifier/reward.json", {"reward": 0.0})
    own = {"rollout_id": "r", "status": "completed", "result": {"success": True}}
    (tmp_path / "a" / "artifacts.rollout.json").write_text(json.dumps(own))
    assert "✓ pass" in shell("open", "--text", str(tmp_path)).stdout
