"""Tests that a shell has put into the background start programs as tests in front of it do."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
import signal, subprocess, sys
import tests.conftest
ask = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
sys.exit(subprocess.run([sys.executable, "-c", ask], stdout=subprocess.PIPE).stdout != b"True\\n")
"""


def test_what_they_start_can_be_interrupted() -> None:
    def in_background() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)

    subprocess.run([sys.executable, "-c", PROGRAM], check=True, preexec_fn=in_background)
