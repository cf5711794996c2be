"""Where what is observed is kept: a file, or a team's database with a file for one's own."""

from __future__ import annotations

from pathlib import Path

from gymtui.config.schema import JournalSource
from gymtui.config.settings import Settings
from gymtui.store.history.journal_place import SharedPlace, local_path, place_of


def test_without_a_database_it_is_a_file_a_gym(tmp_path: Path) -> None:
    env = {"GYMTUI_STATE_DIR": str(tmp_path)}
    own = place_of(Settings(base_url="https://a.example"), env)
    assert isinstance(own, Path) and own.is_relative_to(tmp_path)
    assert own != place_of(Settings(base_url="https://b.example"), env)
    shared = JournalSource(url="postgresql://db.example/team", password_command=("pass",))
    theirs = place_of(Settings(base_url="https://a.example", journal=shared), env)
    assert theirs == SharedPlace(
        "postgresql://db.example/team", "https://a.example", own, ("pass",)
    )
    assert local_path(theirs) == local_path(own) == own
