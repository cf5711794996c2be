"""Where files of this program live, and the vendor client's: by the platform's rules, or as told.

`GYMTUI_CONFIG_DIR`, `GYMTUI_STATE_DIR` and `GYMTUI_CACHE_DIR` move a directory, `GYMTUI_CONFIG` the
configuration file alone, `SIMLAB_CONFIG` the vendor client's. Nothing is created here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import platformdirs

_APP = "gymtui"
ARCHIVE = "transcripts.sqlite3"


def config_file(env: Mapping[str, str]) -> Path:
    """The configuration file, there or not."""
    return _override(env, "GYMTUI_CONFIG") or config_dir(env) / "config.toml"


def config_dir(env: Mapping[str, str]) -> Path:
    """Where the configuration file and the person's own themes are."""
    return _override(env, "GYMTUI_CONFIG_DIR") or platformdirs.user_config_path(_APP, False)


def state_dir(env: Mapping[str, str]) -> Path:
    """Where the journal is kept, and what the person arranged on the screen."""
    return _override(env, "GYMTUI_STATE_DIR") or platformdirs.user_state_path(_APP, False)


def cache_dir(env: Mapping[str, str]) -> Path:
    """Where transcripts are kept that a gym can give again."""
    return _override(env, "GYMTUI_CACHE_DIR") or platformdirs.user_cache_path(_APP, False)


def archive_file(env: Mapping[str, str]) -> Path:
    """The file of transcripts, of all gyms."""
    return cache_dir(env) / ARCHIVE


def beside(journal: Path | None, kind: str) -> Path | None:
    """The file of one kind of what is kept of a gym, beside its journal: `host-0123.notes.json`."""
    if journal is None:
        return None
    name = journal.name.removeprefix("journal-").partition(".")[0]
    return journal.with_name(f"{name}.{kind}.json")


def demo_dir(env: Mapping[str, str]) -> Path:
    """Where the demo keeps its gym and all that belongs to it, apart from the person's own."""
    return state_dir(env) / "demo"


def log_dir(env: Mapping[str, str]) -> Path:
    """Where the log and the reports of defects go; below a state directory that was moved."""
    if env.get("GYMTUI_STATE_DIR"):
        return state_dir(env) / "log"
    return platformdirs.user_log_path(_APP, appauthor=False)


def vendor_config_file(env: Mapping[str, str]) -> Path:
    """The configuration file of the vendor's own client, `simlab` (API.md, *Authentication*)."""
    home = _override(env, "HOME") or Path.home()
    return _override(env, "SIMLAB_CONFIG") or home / ".config" / "simlab" / "config.toml"


def _override(env: Mapping[str, str], variable: str) -> Path | None:
    path = env.get(variable)
    return Path(path).expanduser() if path else None
