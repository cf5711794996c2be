"""The verdict that simlab and Harbor leave beside what an agent did, read as a rollout's result.

Read in simlab's source (`runtime/rollout_runner.py`, `evaluation.py`): `verifier/reward.json`, in
older runs `reward.json`, is `{reward, verifier_results: [{module, success, message, output}],
rubric_result?}`, an output being text that may hold a judge's JSON; `verifier/reward.txt` is a
number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from pathlib import Path
from typing import Any, Final

from gymtui.api.lenient import loads
from gymtui.transcript import artifact_files
from gymtui.transcript.artifact_files import FileProblem
from gymtui.transcript.body_check import no_json

_PLACES: Final = ("verifier/reward.json", "reward.json", "verifier/reward.txt")
_JUDGED: Final = (
    *("score", "verdict", "confidence", "evidence"),
    *("failed_criteria", "dimension_scores", "error"),
)
_PASSED_FROM: Final = 1.0
"""The reward that simlab itself calls a pass once it has verified (its `eval`: any above 0)."""


def reward_file_of(artifacts: Path) -> Path | None:
    """Where the verdict on a file's rollout lies, if there is one.

    Args:
        artifacts: An `artifacts.json`, or Harbor's `agent/trajectory.json`; no other has any.
    """
    directory = _directory_of(artifacts)
    if directory is None:
        return None
    return next((file for place in _PLACES if (file := directory / place).is_file()), None)


def is_missed(artifacts: Path) -> bool:
    """Whether runs beside this one have a verdict, so that its own is missed."""
    directory = _directory_of(artifacts)
    if directory is None:
        return False
    return any(any(directory.parent.glob(f"*/{place}")) for place in _PLACES)


def read(file: Path, rollout_id: str) -> dict[str, Any]:
    """Read a verdict as a gym would tell of a rollout that ended so; raises `FileProblem`."""
    name = f"{file.parent.name}/{file.name}" if file.parent.name == "verifier" else file.name
    try:
        body = artifact_files.load(file)
    except FileProblem as problem:
        raise FileProblem(f"{name}: {problem}") from None
    text = body.decode("utf-8", "replace").strip()
    if file.suffix == ".txt":
        payload: object = {"reward": _number(text)}
    elif (fault := no_json(body)) is not None:
        raise FileProblem(f"{name}: {fault}")
    else:
        payload = loads(body)
    if not isinstance(payload, Mapping):
        raise FileProblem(f"{name}: no verdict: not an object")
    success = _success(payload)
    if success is None:
        raise FileProblem(f"{name}: no verdict: neither a reward nor verifier results")
    result = {"success": success, "message": "; ".join(_messages(payload)), "output": payload}
    return {
        "rollout_id": rollout_id,
        "status": "completed",
        "result": {**_judged(payload), **result},
    }


def _directory_of(artifacts: Path) -> Path | None:
    name, directory = artifacts.name.removesuffix(".gz"), artifacts.parent
    if name == "trajectory.json" and directory.name == "agent":
        return directory.parent
    return directory if name in ("artifacts.json", "trajectory.json") else None


def _number(text: str) -> float | None:
    """The number of a `reward.txt`, in which Harbor's verifiers may write a word."""
    words = {"true": 1.0, "false": 0.0}
    try:
        return words[text.lower()] if text.lower() in words else float(text)
    except ValueError:
        return None


def _results(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = payload.get("verifier_results")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _success(payload: Mapping[str, Any]) -> bool | None:
    """Whether it passed: every verifier says so; where none is named, a full reward does."""
    verdicts = [
        item["success"] for item in _results(payload) if isinstance(item.get("success"), bool)
    ]
    if verdicts:
        return all(verdicts)
    reward = payload.get("reward")
    if isinstance(reward, bool) or not isinstance(reward, int | float) or isnan(reward):
        return None
    return reward >= _PASSED_FROM


def _messages(payload: Mapping[str, Any]) -> Iterator[str]:
    """What verifiers say, those that failed first; of several each under its module's last name."""
    results = _results(payload)
    for item in sorted(results, key=lambda item: item.get("success") is not False):
        message, module = item.get("message"), item.get("module")
        if not isinstance(message, str) or not message:
            continue
        named = len(results) > 1 and isinstance(module, str)
        yield f"{str(module).rpartition('.')[2]}: {message}" if named else message


def _judged(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a judge found: the rubric's, else what the first verifier's output holds."""
    places = [payload.get("rubric_result"), *(item.get("output") for item in _results(payload))]
    for place in places:
        found = _object(place)
        judged = {key: found[key] for key in _JUDGED if found.get(key) is not None}
        if judged:
            return judged
    return {}


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = loads(value.encode("utf-8", "replace"))
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}
