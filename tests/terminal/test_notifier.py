"""What is told of a run reaches the terminal around it: a notification and a bell, nothing more."""

from __future__ import annotations

import re
from pathlib import Path

from tests.gym.running_gym import launch_body, serving_gym
from tests.helpers import patient_http
from tests.terminal.harness import PYTHON, Pty, Size, until

NOTICE = b"\x1b]9;gymtui: "


def bells(written: bytes) -> int:
    """How often the bell rang: what ends a sequence is none."""
    return re.sub(rb"\x1b\][^\x07]*\x07", b"", written).count(b"\x07")


def test_a_run_that_ends_is_told_to_the_terminal(tmp_path: Path) -> None:
    env = {"GYMTUI_WATCH_ALL": "true", "GYMTUI_DESKTOP": "true", "GYMTUI_FAIL_SHARE": "1"}
    with serving_gym(tmp_path, speed=20) as gym:
        command = [PYTHON, "-m", "gymtui", "--base-url", gym.url, "--interval", "0.2"]
        with Pty(command, tmp_path, Size(), env, fork=True) as program:
            program.read_until(r"no runs")
            name = "nightly \x1b]9;4;1;50\x07 \x07"
            body = launch_body(run_name=name, rollout_count=2)
            assert patient_http.post(f"{gym.url}/runs", json=body).status_code == 200
            program.read_bytes(NOTICE)

            def rung() -> bool:
                program.read(0.05)
                return bells(program.written) == 1

            until(rung, "the bell rang")
            program.settle()
            program.send(b"q")
            assert program.wait_exit() == 0
            written = bytes(program.written)
    _, _, rest = written.partition(NOTICE)
    notice, bell, _ = rest.partition(b"\x07")
    assert bell and notice.startswith(b"nightly ") and b" finished" in notice
    assert b"\x1b" not in notice
    assert written.count(NOTICE) == 1
    assert bells(written) == 1
    assert b"\x1b]9;4" not in written
