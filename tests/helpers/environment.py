"""The environment in which tests start the program: nothing of the person's is found or left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.places import ROOT


def isolated(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment in which a program finds and leaves nothing of the person's.

    Args:
        home: An empty directory; HOME and all XDG directories lie in it.
        extra: Variables on top.
    """
    kept = {
        name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_START") if name in os.environ
    }
    places = {
        f"XDG_{kind}_HOME": str(home / kind.lower())
        for kind in ("CONFIG", "STATE", "CACHE", "DATA")
    }
    fixed = {
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEXTUAL_ANIMATIONS": "none",
    }
    return {**kept, **places, **fixed, **(extra or {})}
