from collections.abc import Callable, Mapping
from pathlib import Path

import platformdirs
import pytest

from gymtui.core import paths

Place = Callable[[Mapping[str, str]], Path]


@pytest.mark.parametrize(
    ("place", "env", "path"),
    [
        (paths.config_file, {"GYMTUI_CONFIG": "/x/my.toml"}, "/x/my.toml"),
        (paths.config_file, {"GYMTUI_CONFIG_DIR": "/x"}, "/x/config.toml"),
        (paths.config_file, {"GYMTUI_CONFIG": "/a.toml", "GYMTUI_CONFIG_DIR": "/x"}, "/a.toml"),
        (paths.config_dir, {"GYMTUI_CONFIG_DIR": "/x"}, "/x"),
        (paths.state_dir, {"GYMTUI_STATE_DIR": "/x"}, "/x"),
        (paths.log_dir, {"GYMTUI_STATE_DIR": "/x"}, "/x/log"),
        (paths.archive_file, {"GYMTUI_CACHE_DIR": "/x"}, "/x/transcripts.sqlite3"),
        (paths.vendor_config_file, {"SIMLAB_CONFIG": "/x/s.toml"}, "/x/s.toml"),
        (paths.vendor_config_file, {"HOME": "/h"}, "/h/.config/simlab/config.toml"),
        (
            paths.vendor_config_file,
            {"HOME": "/h", "SIMLAB_CONFIG": ""},
            "/h/.config/simlab/config.toml",
        ),
    ],
)
def test_a_place_is_where_the_environment_says(
    place: Place, env: Mapping[str, str], path: str
) -> None:
    assert place(env) == Path(path)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (paths.config_dir, platformdirs.user_config_dir("gymtui", appauthor=False)),
        (paths.state_dir, platformdirs.user_state_dir("gymtui", appauthor=False)),
        (paths.log_dir, platformdirs.user_log_dir("gymtui", appauthor=False)),
        (paths.cache_dir, platformdirs.user_cache_dir("gymtui", appauthor=False)),
    ],
)
def test_else_it_is_the_platforms(place: Place, path: str) -> None:
    assert place({}) == Path(path)


def test_a_tilde_is_home() -> None:
    assert paths.config_file({"GYMTUI_CONFIG": "~/g.toml"}) == Path.home() / "g.toml"


def test_nothing_is_created(tmp_path: Path) -> None:
    env = {name: str(tmp_path / name) for name in ("GYMTUI_CONFIG_DIR", "GYMTUI_STATE_DIR")}
    for place in (paths.config_file, paths.config_dir, paths.state_dir, paths.log_dir):
        place(env)
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_of_a_gym_stands_beside_its_journal(tmp_path: Path) -> None:
    made = paths.beside(tmp_path / "journal-host-0123.sqlite3", "launches")
    assert made == tmp_path / "host-0123.launches.json"
    assert paths.beside(tmp_path / "journal.sqlite3", "notes") == tmp_path / "journal.notes.json"
    assert paths.beside(None, "rules") is None
