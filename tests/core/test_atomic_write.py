"""A file that is replaced is whole, its owner's alone, and as it was when it cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.core.atomic_write import replace_text


@pytest.mark.parametrize("lasting", [False, True])
def test_a_file_is_made_or_replaced_for_its_owner_alone(tmp_path: Path, lasting: bool) -> None:
    path = tmp_path / "kept.json"
    for text in ("first ✓", "second"):
        replace_text(path, text, lasting=lasting)
        assert path.read_text(encoding="utf-8") == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_mode_is_kept_where_one_is_asked_for(tmp_path: Path) -> None:
    replace_text(tmp_path / "config.toml", "", mode=0o640)
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.mkdir()
    with pytest.raises(OSError):
        replace_text(path, "text")
    assert list(tmp_path.iterdir()) == [path]
