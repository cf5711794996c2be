"""Verdicts that other programs leave beside artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.store import reward_files


@pytest.mark.parametrize(
    ("text", "reward"),
    [("true", 1.0), ("False\n", 0.0), ("0.25", 0.25), ("1", 1.0), ("-1", -1.0)],
)
def test_a_reward_in_text_is_a_number_or_a_word(tmp_path: Path, text: str, reward: float) -> None:
    (tmp_path / "reward.txt").write_text(text)
    result = reward_files.read(tmp_path / "reward.txt", "r")["result"]
    assert (result["output"], result["success"]) == ({"reward": reward}, reward >= 1)


@pytest.mark.parametrize(
    ("artifacts", "found"),
    [
        ("agent/trajectory.json", "verifier"),
        ("agent/artifacts.json", "agent/verifier"),
        ("other/trajectory.json", "other/verifier"),
        ("trajectory.json.gz", "verifier"),
        ("notes.json", None),
    ],
)
def test_where_the_verdict_of_artifacts_is(
    tmp_path: Path, artifacts: str, found: str | None
) -> None:
    for place in ("verifier", "agent/verifier", "other/verifier"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "reward.json").write_text("{}")
    expected = None if found is None else tmp_path / found / "reward.json"
    assert reward_files.reward_file_of(tmp_path / artifacts) == expected
