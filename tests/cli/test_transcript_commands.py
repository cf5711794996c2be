"""`show`, `export` and `open`, as scripts call them."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gymtui.transcript import export
from gymtui.transcript.body_reader import open_body
from tests.cli.calling import gymtui
from tests.gym.running_gym import RunningGym, launch_body, serving_gym, unfinished
from tests.helpers import patient_http
from tests.helpers.clean_text import is_clean


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym with a finished run of three rollouts, `nightly`."""
    with serving_gym(tmp_path_factory.mktemp("gym"), faults=True) as gym:
        body = launch_body(run_name="nightly", rollout_count=3)
        patient_http.post(f"{gym.url}/runs", json=body).raise_for_status()
        end = time.monotonic() + 60
        while unfinished(patient_http.get(f"{gym.url}/runs/nightly").json()):
            assert time.monotonic() < end
        yield gym


def ids(gym: RunningGym) -> list[str]:
    rollouts = patient_http.get(f"{gym.url}/rollouts", params={"run_id": "nightly"}).json()[
        "rollouts"
    ]
    return [rollout["rollout_id"] for rollout in rollouts]


def transcripts(directory: Path) -> list[Path]:
    """What was exported as received, without the records beside it."""
    return sorted(file for file in directory.glob("*.json") if ".rollout." not in file.name)


def received(gym: RunningGym, rollout_id: str) -> str:
    return patient_http.get(f"{gym.url}/rollouts/{rollout_id}/artifacts").text


def test_show_prints_the_gyms_bytes_or_a_document(gym: RunningGym, tmp_path: Path) -> None:
    rollout_id = ids(gym)[0]

    def show(*form: str) -> str:
        done = gymtui(tmp_path, "show", rollout_id, "--base-url", gym.url, *form)
        assert done.returncode == 0, done.stderr
        said = "gymtui: tool calls and results are redacted by the gym (--redact)\n"
        assert done.stderr == (said if "--redact" in form else "")
        return done.stdout

    assert show("--json") == received(gym, rollout_id)
    assert "## 2 assistant" in show("--markdown")
    assert "== 2 assistant" in show()
    assert "→" in show("--text")
    record = patient_http.get(f"{gym.url}/rollouts/{rollout_id}").json()
    message = record["result"]["message"].split("\n")[0]
    assert "== result" in show("--text")
    assert f"   {message}" in show("--text")
    assert "## Result" in show("--markdown")
    assert "→" not in show("--text", "--redact")


def test_show_takes_the_beginning_of_an_id_that_fits_no_other(
    gym: RunningGym, tmp_path: Path
) -> None:
    first = ids(gym)[0]
    shown = gymtui(tmp_path, "show", first[:-2], "--base-url", gym.url, "--json")
    assert shown.stdout == received(gym, first)
    several = gymtui(tmp_path, "show", "rol_", "--base-url", gym.url)
    assert (several.returncode, several.stdout) == (4, "")
    assert f"rol_ fits {len(ids(gym))} rollouts: " in several.stderr
    listed = gymtui(tmp_path, "rollouts", "night", "--base-url", gym.url)
    assert first in listed.stdout
    assert "STEPS" not in listed.stdout, "of none that ended nobody knows them"


def test_show_of_nothing_is_refused(gym: RunningGym, tmp_path: Path) -> None:
    done = gymtui(tmp_path, "show", "rol_missing", "--base-url", gym.url)
    assert done.returncode == 4
    assert done.stdout == ""


def test_an_export_is_whole_and_goes_on_where_it_stopped(gym: RunningGym, tmp_path: Path) -> None:
    directory = tmp_path / "out" / "nightly"

    def exporting(*more: str) -> str:
        done = gymtui(
            tmp_path, "export", "nightly", "--to", str(directory), "--base-url", gym.url, *more
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        return done.stderr

    assert "3 written of 3" in exporting()
    names = [path.name for path in transcripts(directory)]
    assert names == sorted(f"{rollout_id}.json" for rollout_id in ids(gym))
    for path in transcripts(directory):
        assert path.read_text() == received(gym, path.stem)
    (directory / names[0]).unlink()
    mine = '{"messages": [], "note": "mine"}'
    (directory / names[1]).write_text(mine)
    assert "1 written, 2 already there of 3" in exporting()
    assert (directory / names[1]).read_text() == mine
    assert "3 written" in exporting("--markdown")
    assert len(list(directory.glob("*.md"))) == 3


def test_what_the_gym_refuses_is_told_and_leaves_no_file(gym: RunningGym, tmp_path: Path) -> None:
    order = {"path": "/artifacts", "times": 1, "fault": {"kind": "status", "status": 403}}
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()
    done = gymtui(tmp_path, "export", "nightly", "--to", str(tmp_path / "o"), "--base-url", gym.url)
    assert done.returncode == 4
    assert "2 written, 1 failed of 3" in done.stderr
    assert ": forbidden (403): told to fail" in done.stderr
    assert len(transcripts(tmp_path / "o")) == 2
    assert len(list((tmp_path / "o").iterdir())) == 5  # how all of them ended is known
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()
    done = gymtui(tmp_path, "show", ids(gym)[0], "--base-url", gym.url)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("gymtui: forbidden (403): told to fail\n")


NO_ARTIFACTS = {
    "login": ("<html>log in</html>", "HTML, not JSON"),
    "empty": ("", "empty, not JSON"),
    "cut": ('{"artifacts": {"messages": [', "JSON that is cut off"),
    "list": ('[{"role": "user", "content": "hello"}]', "JSON, but a list, not artifacts"),
    "other": ('{"detail": "log in", "messages": "none"}', "no messages and no tool calls"),
}


OF_THE_ANSWER = {
    "login": "the answer is a web page, not the gym's",
    "empty": "the answer is empty: a proxy",
}
"""What is said of those that are not the gym's, of the answer itself."""


def will_answer(gym: RunningGym, body: str) -> None:
    """Have the gym answer the next call for artifacts so, with status 200."""
    fault = {"kind": "malformed", "body": body}
    order = {"path": "/artifacts", "times": 1, "fault": fault}
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()


@pytest.mark.parametrize("kind", NO_ARTIFACTS)
def test_an_answer_that_is_not_artifacts_is_a_failure_and_asked_for_again(
    gym: RunningGym, tmp_path: Path, kind: str
) -> None:
    body, said = NO_ARTIFACTS[kind]
    said = OF_THE_ANSWER.get(kind, said)
    will_answer(gym, body)
    done = gymtui(tmp_path, "show", ids(gym)[0], "--json", "--base-url", gym.url)
    assert done.returncode > 0
    assert done.stdout == ""
    assert said in done.stderr
    export = ("export", "nightly", "--to", str(tmp_path / "o"), "--base-url", gym.url)
    will_answer(gym, body)
    done = gymtui(tmp_path, *export)
    assert done.returncode == 4
    assert said in done.stderr
    assert "2 written, 1 failed of 3" in done.stderr
    assert len(transcripts(tmp_path / "o")) == 2
    assert len(list((tmp_path / "o").iterdir())) == 5  # how all of them ended is known
    done = gymtui(tmp_path, *export)
    assert done.returncode == 0
    assert "1 written, 2 already there of 3" in done.stderr


@pytest.mark.parametrize("kind", NO_ARTIFACTS)
def test_what_an_earlier_version_wrote_of_such_answers_is_fetched_again(
    gym: RunningGym, tmp_path: Path, kind: str
) -> None:
    body, said = NO_ARTIFACTS[kind]
    rollout_id, unreadable, _ = ids(gym)
    (tmp_path / "o" / f"{unreadable}.json").mkdir(parents=True)
    path = tmp_path / "o" / f"{rollout_id}.json"
    path.write_text(body)
    export = ("export", "nightly", "--to", str(tmp_path / "o"), "--base-url", gym.url)
    done = gymtui(tmp_path, *export)
    assert done.returncode == 4
    assert f"{path.name}: " in done.stderr and said in done.stderr
    assert f"{unreadable}.json: Is a directory" in done.stderr
    assert "2 written, 1 failed of 3" in done.stderr
    assert path.read_text() == received(gym, rollout_id)
    assert (tmp_path / "o" / f"{rollout_id}.json.old").read_text() == body


@pytest.mark.parametrize("form", ["--markdown", "--text"])
@pytest.mark.parametrize("kind", NO_ARTIFACTS)
def test_documents_of_such_answers_are_written_again(
    gym: RunningGym, tmp_path: Path, kind: str, form: str
) -> None:
    body, _ = NO_ARTIFACTS[kind]
    suffix = {"--markdown": ".md", "--text": ".txt"}[form]
    rollout_id = ids(gym)[0]
    path = tmp_path / "o" / f"{rollout_id}{suffix}"
    path.parent.mkdir()
    earlier = export.render(open_body(body.encode()), form.removeprefix("--"))
    path.write_text(earlier)
    exporting = ("export", "nightly", form, "--to", str(path.parent), "--base-url", gym.url)
    done = gymtui(tmp_path, *exporting)
    assert done.returncode == 0, done.stderr
    fault = f"{path.name}: not a transcript of this rollout"
    assert f"{fault}; renamed to {path.name}.old" in done.stderr
    assert "3 written of 3" in done.stderr
    assert rollout_id in path.read_text()
    assert path.with_name(f"{path.name}.old").read_text() == earlier
    assert "0 written, 3 already there of 3" in gymtui(tmp_path, *exporting).stderr


def test_a_stumbling_gym_is_asked_again(gym: RunningGym, tmp_path: Path) -> None:
    order = {"path": "/artifacts", "times": 2, "fault": {"kind": "status", "status": 503}}
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()
    done = gymtui(tmp_path, "show", ids(gym)[0], "--json", "--base-url", gym.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == received(gym, ids(gym)[0])


def test_export_of_no_run_is_refused_and_leaves_no_directory(
    gym: RunningGym, tmp_path: Path
) -> None:
    done = gymtui(tmp_path, "export", "none", "--to", str(tmp_path / "o"), "--base-url", gym.url)
    assert done.returncode == 4
    assert not (tmp_path / "o").exists()


def test_what_is_too_large_to_be_read_is_told_and_the_rest_exported(
    gym: RunningGym, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("artifact_limit_mib = 1\n")
    fault = {"kind": "malformed", "body": json.dumps({"messages": [], "x": "y" * (1 << 20)})}
    order = {"path": "/artifacts", "times": 1, "fault": fault}
    patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()
    where = ("--to", str(tmp_path / "o"), "--base-url", gym.url, "--config", str(config))
    done = gymtui(tmp_path, "export", "nightly", "--markdown", *where)
    assert done.returncode == 4
    assert "larger than 1,048,576 bytes; --json saves it" in done.stderr
    assert "2 written, 1 failed of 3" in done.stderr


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "document",
    [
        {"rollout_id": "r", "artifacts": {"messages": [{"role": "user", "content": "hello"}]}},
        {"version": "0.1", "messages": [{"role": "user", "content": "hello"}]},
        {
            "schema_version": "ATIF-v1.0",
            "steps": [{"step_id": 1, "source": "user", "message": "hello"}],
        },
        [{"role": "user", "content": "hello\x1b]52;c;eA==\x07"}],
    ],
    ids=["api", "vendor", "harbor", "list"],
)
def test_open_prints_files_of_every_shape(tmp_path: Path, document: Any, packed: bool) -> None:
    path = tmp_path / "artifacts.json"
    data = json.dumps(document).encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    for form in ("--text", "--markdown"):
        done = gymtui(tmp_path, "open", form, str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert "hello" in done.stdout
        assert is_clean(done.stdout, block=True)


def test_several_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"role": "user", "content": "hello"}]')
    (tmp_path / "b.json").write_text('{"messages": []}')
    text = gymtui(tmp_path, "open", "--text", str(tmp_path)).stdout
    assert text.index("a.json") < text.index("hello") < text.index("b.json")
    assert text.index("b.json") < text.index("no messages")
    document = gymtui(tmp_path, "open", "--markdown", str(tmp_path)).stdout
    assert document.index("a.json") < document.index("hello") < document.index("b.json")
    assert "file" not in gymtui(tmp_path, "open", "--text", str(tmp_path / "a.json")).stdout


def test_open_goes_on_after_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"role": "user", "content": "he')
    (tmp_path / "b.json").write_text('[{"role": "user", "content": "hello"}]')
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(b"[]")[:12])
    (tmp_path / "d.json").write_bytes(b"\x00\xff\xfe\x80\x81 and more")
    (tmp_path / "e.json").write_text("")
    (tmp_path / "f.json").write_text('[{"role": "user", "content": "world"}]')
    for form in ("--text", "--markdown"):
        done = gymtui(tmp_path, "open", form, str(tmp_path))
        assert done.returncode == 2
        assert done.stdout.index("b.json") < done.stdout.index("hello")
        assert done.stdout.index("hello") < done.stdout.index("f.json")
        assert "world" in done.stdout
        assert not done.stdout.startswith("\n")
        assert done.stderr.splitlines() == [
            f"gymtui: {tmp_path}/a.json: JSON that is cut off",
            f"gymtui: {tmp_path}/c.json.gz: gzip that is damaged",
            f"gymtui: {tmp_path}/d.json: binary data, not JSON",
            f"gymtui: {tmp_path}/e.json: empty, not JSON",
        ]


def test_open_says_what_is_wrong(tmp_path: Path) -> None:
    for arguments in (["missing.json"], [str(tmp_path)], ["--text", "missing.json"]):
        done = gymtui(tmp_path, "open", *arguments)
        assert done.returncode == 2
        assert "no such file" in done.stderr or "no JSON files" in done.stderr
        assert "Traceback" not in done.stderr


def test_open_without_a_terminal_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    done = gymtui(tmp_path, "open", str(tmp_path / "a.json"))
    assert done.returncode == 2
    assert "not a terminal" in done.stderr
