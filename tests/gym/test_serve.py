"""Serving: where the gym may listen, what it needs, and how it ends."""

import math
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gymtui.gym.http.server import CannotServeError, GymOptions, bind, serve, url_of
from tests.gym.running_gym import serving_gym
from tests.helpers import patient_http

PROGRAM = """
import sys
from pathlib import Path
from gymtui.gym.http.server import GymOptions, serve
options = GymOptions(speed=0.001)
serve("127.0.0.1", 0, Path(sys.argv[1]), options, lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop_and_ends_in_order(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert patient_http.get(f"{url}/runs").json() == {"total": 0, "runs": []}
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, b"ended\n", b"")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_only_loopback_is_served_without_a_key(host: str) -> None:
    with pytest.raises(CannotServeError, match="key"):
        bind(host, 0, has_key=False)


def test_loopback_and_anything_with_a_key_is_served() -> None:
    for host, has_key in (("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)):
        with bind(host, 0, has_key=has_key) as listener:
            assert url_of(listener).startswith("http://")


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    with (
        bind("127.0.0.1", 0, has_key=False) as listener,
        pytest.raises(CannotServeError, match="cannot serve on"),
    ):
        serve("127.0.0.1", listener.getsockname()[1], tmp_path / "db", GymOptions())


@pytest.mark.parametrize("speed", [0, -1, math.nan, math.inf])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(CannotServeError, match="speed"):
        serve("127.0.0.1", 0, tmp_path / "db", GymOptions(speed=speed))


def test_a_clock_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotServeError, match="clock"):
        serve("127.0.0.1", 0, tmp_path / "db", GymOptions(clock_offset_s=math.nan))


def test_two_gyms_do_not_share_a_database(tmp_path: Path) -> None:
    with (
        serving_gym(tmp_path) as gym,
        pytest.raises(CannotServeError, match="in use by another gym"),
        serving_gym(tmp_path),
    ):
        pass
    with serving_gym(tmp_path):
        assert not gym.running


def test_a_file_that_is_no_database_of_ours_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "gym.sqlite"
    other.write_bytes(b"dear diary, " * 1000)
    with pytest.raises(CannotServeError, match="not a database"), serving_gym(tmp_path):
        pass
    assert other.read_bytes().startswith(b"dear diary")
    other.unlink()
    newer = sqlite3.connect(other)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(CannotServeError, match="version 99"), serving_gym(tmp_path):
        pass
