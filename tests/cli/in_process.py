"""gymtui called within this process, on a gym that answers what a test lays down: no socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest
from click.testing import CliRunner

from gymtui.api.client import GymClient
from gymtui.cli import gym_access
from gymtui.cli.entry import main
from tests.helpers.environment import isolated

URL = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Calls commands.

    Args:
        home: Where HOME is.
        answer: What the gym says to a request.
        monkeypatch: Of the test.
        env: The variables of gymtui's own.
    """

    def __init__(
        self,
        home: Path,
        answer: Callable[[httpx.Request], httpx.Response],
        monkeypatch: pytest.MonkeyPatch,
        env: Mapping[str, str] = MappingProxyType({"GYMTUI_BASE_URL": URL}),
    ) -> None:
        client = partial(GymClient, transport=httpx.MockTransport(answer))
        monkeypatch.setattr(gym_access, "GymClient", client)
        self._env = isolated(home, env)

    def __call__(self, *arguments: str) -> Done:
        """Run a command; a defect is raised."""
        done = CliRunner(env=self._env).invoke(main, arguments, prog_name="gymtui")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.exit_code, done.stdout, done.stderr)
