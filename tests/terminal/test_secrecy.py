"""A whole session with a key, and then a search for it: in files, processes and on the screen."""

from __future__ import annotations

import base64
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.gym.running_gym import RunningGym, launch_body, serving_gym
from tests.helpers import forked, patient_http
from tests.helpers.environment import isolated
from tests.terminal.harness import PYTHON, Terminal, until

KEY = "ck_hush_0123/4567+89ab=cdef"
OTHER = "ck_oth_fedc/ba98+7654=3210"
MODEL_KEY = "sk-model-0123456789/abcdef"

RECORDED = """
import json, os, sys

def record(event, args):
    if event == "subprocess.Popen":
        program, arguments, _, environment = args
        given = os.environ if environment is None else environment
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps([[str(a) for a in arguments], dict(given)]) + "\\n")

sys.addaudithook(record)
"""
"""Whatever the program starts, it says with what: short-lived helpers cannot be missed."""

FAILING = (
    RECORDED
    + """
from gymtui.tui.runs.screen import RunsScreen

def fail(self):
    key = self.gym.settings.key.reveal()
    raise RuntimeError(f"a defect that quotes its headers: {{'API-Key': '{key}'}}")

RunsScreen.action_source = fail
from gymtui.cli.entry import main
main(prog_name="gymtui")
"""
)
"""The program with a defect behind one key, which has the worst to say."""

SOUND = RECORDED + "from gymtui.cli.entry import main; main(prog_name='gymtui')"


def forms(key: str) -> set[bytes]:
    """What a key might be found as."""
    found = {key, quote(key), quote(key, safe=""), json.dumps(key)[1:-1], key[4:-4]}
    coded = {base64.b64encode(key.encode()), base64.urlsafe_b64encode(key.encode())}
    # Within something longer, base64 of it begins at any of three offsets.
    for before in (b"x", b"xx"):
        whole = base64.b64encode(before + key.encode())
        coded.add(whole[4:-4])
    return {form.encode() for form in found} | {form.rstrip(b"=") for form in coded}


FORMS = {form for key in (KEY, OTHER, MODEL_KEY) for form in forms(key)}


def given_away(data: bytes) -> set[bytes]:
    return {form for form in FORMS if form in data}


@dataclass(frozen=True)
class Child:
    """What a process that the program started was given."""

    arguments: str
    environment: str


def children(record: Path) -> list[Child]:
    """All that were started, in their order."""
    lines = record.read_text().splitlines() if record.exists() else []
    return [
        Child("\0".join(arguments), "\0".join(f"{k}={v}" for k, v in environment.items()))
        for arguments, environment in map(json.loads, lines)
    ]


def launch(gym: RunningGym, key: str, name: str) -> None:
    body = launch_body(run_name=name)
    body["model_config"]["api_key"] = MODEL_KEY
    answer = patient_http.post(f"{gym.url}/runs", json=body, headers={"API-Key": key})
    assert answer.status_code == 200, answer.text


def test_after_a_session_the_key_is_nowhere_but_where_its_owner_put_it(
    terminal: Terminal, tmp_path: Path
) -> None:
    gyms, home, record = tmp_path / "gyms", terminal.home / "person", tmp_path / "record"
    home.mkdir()
    (gyms / "a").mkdir(parents=True), (gyms / "b").mkdir()
    holder = home / "holder"
    holder.write_text(f"#!/bin/sh\necho '{OTHER}'\n")
    holder.chmod(0o700)
    screens: list[str] = []
    with (
        serving_gym(gyms / "a", key=KEY) as here,
        serving_gym(gyms / "b", key=OTHER) as there,
    ):
        launch(here, KEY, "first"), launch(there, OTHER, "second")
        config = home / "config.toml"
        config.write_text(
            f"""
            [profiles.here]
            base_url = "{here.url}"
            api_key_env = "HOLDS_IT"
            [profiles.there]
            base_url = "{there.url}"
            api_key_command = ["{holder}"]
            [model_keys]
            openai = {{ env = "MODEL_KEY" }}
            """
        )
        config.chmod(0o600)
        env = {
            "GYMTUI_CONFIG": str(config), "GYMTUI_STATE_DIR": str(home / "state"),
            "HOLDS_IT": KEY, "MODEL_KEY": MODEL_KEY, "HOME": str(home), "RECORD": str(record),
        }  # fmt: skip
        command = [PYTHON, "-c", FAILING, "--profile", "here", "--interval", "0.2", "--debug"]
        terminal.start(command, env=env)

        def sees(pattern: str) -> None:
            screens.append(terminal.wait_for(pattern))

        sees(r"first .*1/1")
        terminal.keys("d")
        sees(r"describe › ")
        terminal.keys("q")
        sees(r"gymtui +here .*")
        terminal.keys("Enter")
        sees(r"1/1 done")
        terminal.keys("Enter")
        sees(r"◆ 1 user")
        # Search by a process of its own, copy through tmux, save twice.
        terminal.keys("/").type("re:p[a-z]+e")
        terminal.keys("Enter")
        sees(r"/re:p.* \d+ of \d+")
        terminal.keys("c")
        sees(r"sent .* bytes|sent .* kB|to tmux")
        for name in ("saved.json", "saved.md"):
            terminal.keys("C-s")
            sees(r"save as")
            terminal.keys("C-u")
            sees(r"file: \.json as received")  # emptied: a key of the line acts after a burst
            terminal.type(str(home / name))
            terminal.keys("Enter")
            terminal.wait_gone(r"save as")
            until((home / name).exists, name)
        # To the other gym and back, help, and the defect.
        terminal.keys("q", "q")
        sees(r"gymtui +here .*")
        terminal.keys(":")
        sees(r"open: open the row")
        terminal.type("profile there")
        sees(r"profile there +http")
        terminal.keys("Enter")
        sees(r"gymtui +there .*")
        sees(r"second .*1/1")
        terminal.keys("?")
        sees(r"^ *keys ")
        terminal.keys("Escape")
        sees(r"gymtui +there .*")
        on_the_process_list = Path(f"/proc/{terminal.pid}/cmdline").read_bytes()
        terminal.keys("s")
        terminal.wait_exit()
        screens.append(terminal.screen())
        assert "The report, without keys" in screens[-1]

        # The commands beside it.
        person = {**isolated(home, env), "PWD": str(home)}
        for args in (
            *(("config", "show"), ("config", "show", "--json"), ("runs", "--json"), ("doctor",)),
            ("export", "first", "--to", str(home / "exported")),
        ):
            for profile in ("here", "there"):
                done = forked.call(["--profile", profile, *args], person, "")
                assert "Traceback" not in done.stderr
                assert not given_away((done.stdout + done.stderr).encode()), args
                if args == ("config", "show"):
                    assert "ck_" in done.stdout

    # What was looked at was there to be looked at.
    files = [path for path in home.rglob("*") if path.is_file() and path != holder]
    names = {path.name for path in files}
    assert {"saved.json", "saved.md", "arrangement.json", "gymtui.log"} <= names
    assert any(name.startswith("crash-") for name in names)
    assert (home / "exported").is_dir()
    log = (home / "state" / "log" / "gymtui.log").read_text()
    assert "GET /runs?" in log and "switched to profile there" in log
    assert "ck_…cdef from HOLDS_IT" in log
    for path in files:
        assert not given_away(path.read_bytes()), path
        assert not given_away(os.fsencode(path)), path
        if path.name.startswith("crash-"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for shown in screens:
        assert not given_away(shown.encode())
    assert not given_away(terminal.buffer().encode())
    assert not given_away(on_the_process_list)
    started = children(record)
    assert started
    for child in started:
        assert not given_away(child.arguments.encode()), child
        # The program itself was given them, and whoever prints one of them may know the others.
        if str(holder) not in child.arguments:
            assert not given_away(child.environment.encode()), child.arguments


def test_the_search_finds_what_it_looks_for() -> None:
    for text in (KEY, quote(KEY, safe=""), base64.b64encode(f"x:{OTHER}".encode()).decode()):
        assert given_away(f"before {text} after".encode())
    assert not given_away(b"ck_\xe2\x80\xa6cdef")


def test_after_a_launch_with_a_typed_model_key_neither_key_is_anywhere(
    terminal: Terminal, tmp_path: Path
) -> None:
    home, record = terminal.home / "person", tmp_path / "record"
    home.mkdir()
    (tmp_path / "gym").mkdir()
    screens: list[str] = []

    def sees(pattern: str) -> None:
        screens.append(terminal.wait_for(pattern))

    with serving_gym(tmp_path / "gym", key=KEY) as gym:
        env = {
            "GYMTUI_API_KEY": KEY, "GYMTUI_BASE_URL": gym.url,
            "GYMTUI_STATE_DIR": str(home / "state"),
            "HOME": str(home), "RECORD": str(record),
        }  # fmt: skip
        terminal.start([PYTHON, "-c", SOUND, "--interval", "0.2", "--debug"], env=env)
        sees(r"no runs")
        terminal.keys("n")
        sees(r"tasks .* list of")
        terminal.keys("Down").type("schedule_phone_screen")
        sees(r"1 of \d+")
        terminal.keys("Down").type("scripted/careful")
        sees(r"models +scripted/careful")
        terminal.keys("Down", "Down").type(MODEL_KEY)
        sees(r"api key +••••")
        terminal.keys("Down", "Down").type("typed-key")
        sees(r"run name +typed-key")
        terminal.keys("C-l")
        sees(r"Launch this run\?")
        terminal.keys("y")
        sees(r"typed-key .* 1/1")
        # Like it again: what was typed is asked for anew, not remembered.
        terminal.keys("N")
        sees(r"models +scripted/careful")
        assert "••" not in screens[-1]
        on_the_process_list = Path(f"/proc/{terminal.pid}/cmdline").read_bytes()
        terminal.keys("C-q")
        assert terminal.wait_exit() == 0
        screens.append(terminal.screen())
    files = [path for path in home.rglob("*") if path.is_file()]
    assert "gymtui.log" in {path.name for path in files}
    for path in files:
        assert not given_away(path.read_bytes()), path
    for shown in (*screens, terminal.buffer()):
        assert not given_away(shown.encode())
    assert not given_away(on_the_process_list)
    for child in children(record):
        assert not given_away(f"{child.arguments} {child.environment}".encode()), child.arguments
