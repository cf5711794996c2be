"""`gymtui config`: a first file, one setting after the other, and what applies."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gymtui.cli.config_edit import first_file
from gymtui.cli.entry import main
from gymtui.config.reference import setting_rows
from gymtui.config.settings import load

KEY = "ck_live_0123456789abcdef"


class Shell:
    """A person's shell, with nothing of the tester's."""

    def __init__(self, home: Path) -> None:
        self.file = home / "config" / "config.toml"
        self.env = {"GYMTUI_CONFIG": str(self.file), "HOME": str(home)}

    def run(self, *args: str, typed: str = "") -> Result:
        clear = {name: None for name in os.environ if name.startswith(("GYMTUI", "SIMLAB", "COLL"))}
        env: dict[str, str | None] = {**clear, **self.env}
        return CliRunner().invoke(main, ["config", *args], input=typed, env=env)

    def set(self, *args: str, typed: str = "") -> None:
        done = self.run("set", *args, typed=typed)
        assert done.exit_code == 0, done.output

    def write(self, text: str, mode: int = 0o600) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text)
        self.file.chmod(mode)

    def read(self) -> dict[str, object]:
        return tomllib.loads(self.file.read_text())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- a first file ------------------------------------------------------------------------------


def test_a_first_file_says_everything_and_sets_nothing(shell: Shell) -> None:
    assert shell.run("init").exit_code == 0
    assert shell.read() == {}
    assert mode_of(shell.file) == 0o600
    text = shell.file.read_text()
    for row in setting_rows():
        if not row.name.endswith(("NAME", "PROVIDER")):
            assert row.name.rpartition(".")[2] in text


def test_what_the_first_file_offers_is_right_as_soon_as_it_is_in_force(
    shell: Shell, tmp_path: Path
) -> None:
    lines = [line.removeprefix("# ") for line in first_file().splitlines()]
    inner = [line for line in lines if " = " in line or line.startswith("[")]
    shell.write("\n".join(inner))
    loaded = load({}, {}, shell.file, tmp_path / "none", run=lambda argv, env: KEY)
    assert loaded.problems == ()
    assert loaded.settings.profile_name == "prod"


def test_a_file_that_is_there_is_never_written_over(shell: Shell) -> None:
    shell.write("interval = 3\n")
    done = shell.run("init")
    assert done.exit_code == 2
    assert "already exists" in done.output
    assert shell.file.read_text() == "interval = 3\n"


def test_where_the_file_is(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("path").stdout == f"{shell.file}\n"
    other = tmp_path / "other.toml"
    assert shell.run("path", "--config", str(other)).stdout == f"{other}\n"


# -- setting -----------------------------------------------------------------------------------

LAID_OUT = """\
# mine
interval   =  2   # not too often

[profiles.prod]      # the big one
base_url = 'https://prod.example'

[profiles.lab]
base_url = "https://lab.example"
"""


def test_comments_and_layout_stay(shell: Shell) -> None:
    shell.write(LAID_OUT)
    shell.set("interval", "5")
    shell.set("--profile", "prod", "read_only", "yes")
    shell.set("profiles.lab.source", "all")
    assert shell.file.read_text() == LAID_OUT.replace("=  2 ", "=  5.0 ").replace(
        "'https://prod.example'\n", "'https://prod.example'\nread_only = true\n"
    ).replace('"https://lab.example"\n', '"https://lab.example"\nsource = "all"\n')


@pytest.mark.parametrize(
    ("args", "path", "value"),
    [
        (["base_url", " https://x.example/ "], ["base_url"], "https://x.example"),
        (["ascii", "on"], ["ascii"], True),
        (["artifact_limit_mib", "8"], ["artifact_limit_mib"], 8),
        (["on_finish", "notify-send 'a b'"], ["on_finish"], ["notify-send", "a b"]),
        (["api_key_command", "--", "pass", "-x"], ["api_key_command"], ["pass", "-x"]),
        (["api_key_command", '["cat", "/a b"]'], ["api_key_command"], ["cat", "/a b"]),
        (["on_finish", "['say', 'done']"], ["on_finish"], ["say", "done"]),
        (["on_finish", "[ -e /x ]"], ["on_finish"], ["[", "-e", "/x", "]"]),
        (["keys.cancel", '["X", "delete"]'], ["keys", "cancel"], ["X", "delete"]),
        (
            ["model_keys.openai.command", '["pass", "openai"]'],
            ["model_keys", "openai"],
            {"command": ["pass", "openai"]},
        ),
        (["api_key_env", "GYM_KEY"], ["api_key_env"], "GYM_KEY"),
        (["stuck.floor_s", "30"], ["stuck", "floor_s"], 30.0),
        (["journal.url", "postgresql://db/gym"], ["journal", "url"], "postgresql://db/gym"),
        (
            ["journal.password_command", "pass", "db"],
            ["journal", "password_command"],
            ["pass", "db"],
        ),
        (
            ["journal.password_command", "pass db"],
            ["journal", "password_command"],
            ["pass", "db"],
        ),
        (["keys.cancel", "X", "delete"], ["keys", "cancel"], ["X", "delete"]),
        (["model_keys.openai.env", "KEY"], ["model_keys", "openai"], {"env": "KEY"}),
        (["--profile", "new", "insecure", "true"], ["profiles", "new", "insecure"], True),
        (["--profile", "a", "stuck.floor_s", "9"], ["profiles", "a", "stuck", "floor_s"], 9.0),
    ],
)
def test_values_are_written_as_what_they_are(
    shell: Shell, args: list[str], path: list[str], value: object
) -> None:
    shell.set(*args)
    found: object = shell.read()
    for name in path:
        assert isinstance(found, dict)
        found = found[name]
    assert found == value
    assert mode_of(shell.file) == 0o600


def test_a_model_key_has_one_source(shell: Shell) -> None:
    shell.set("model_keys.openai.env", "KEY")
    shell.set("model_keys.openai.command", "pass", "openai")
    assert shell.read()["model_keys"] == {"openai": {"command": ["pass", "openai"]}}


def test_a_setting_goes_before_the_tables_of_a_file(shell: Shell) -> None:
    shell.write("[stuck]\nfloor_s = 9\n")
    shell.set("interval", "5")
    assert shell.read() == {"interval": 5.0, "stuck": {"floor_s": 9}}


def test_the_mode_of_the_file_is_kept_and_so_is_a_link(shell: Shell, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("interval = 2\n")
    real.chmod(0o640)
    shell.file.parent.mkdir()
    shell.file.symlink_to(real)
    shell.set("interval", "5")
    assert shell.file.is_symlink()
    assert real.read_text() == "interval = 5.0\n"
    assert mode_of(real) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "dotfiles.toml"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["intervall", "3"], "no setting named intervall; did you mean interval?"),
        (["interval", "often"], "interval: should be a number of seconds from 0.1 to 3600"),
        (["interval"], "interval: no value given"),
        (["interval", "1", "2"], "takes one value"),
        (["source", "task_editor"], "did you mean task-editor?"),
        (["insecure", "true"], "insecure belongs in a profile"),
        (["profile", "lob"], "no profile named 'lob'; did you mean lab?"),
        (["--profile", "lab", "keys.cancel", "X"], "keys belongs at the top of the file"),
        (["keys.cancle", "X"], "unknown command; did you mean cancel?"),
        (["keys.mark", "o"], "o is already order"),
        (["stuck.floor", "3"], "did you mean floor_s?"),
        (["journal.ulr", "x"], "did you mean url?"),
        (["journal.url", "postgresql://u:sesame@x"], "contains a password"),
        (["model_keys.openai", "sk-1"], "set model_keys.PROVIDER.env NAME"),
        (["model_keys.openai.env", "sk-1"], "should be the name of an environment variable"),
        (["model_keys.opena.env", "NAME"], "is not a provider; did you mean openai?"),
        (["theme", "nigth"], "no theme named 'nigth'; did you mean night?"),
        (["profiles.lab", "x"], "no setting named profiles.lab"),
        (["base_url", "https://u:sesame@x"], "never in the URL"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    shell: Shell, args: list[str], said: str
) -> None:
    shell.write(LAID_OUT)
    done = shell.run("set", *args)
    assert done.exit_code == 2
    assert said in done.output
    assert "sesame" not in done.output and "sk-1" not in done.output
    assert shell.file.read_text() == LAID_OUT
    assert [path.name for path in shell.file.parent.iterdir()] == ["config.toml"]


def test_a_file_that_is_no_toml_is_left_alone(shell: Shell) -> None:
    shell.write("interval = \n")
    done = shell.run("set", "interval", "3")
    assert done.exit_code == 2
    assert "is not valid TOML; fix it first" in done.output
    assert shell.file.read_text() == "interval = \n"


# -- the key -----------------------------------------------------------------------------------


def test_a_key_never_comes_in_as_an_argument(shell: Shell) -> None:
    done = shell.run("set", "api_key", KEY)
    assert done.exit_code == 2
    assert "config set api_key -" in done.output
    assert KEY not in done.output
    assert not shell.file.exists()


def test_a_key_is_read_from_a_pipe_and_kept_for_its_owner_alone(shell: Shell) -> None:
    shell.set("--profile", "prod", "api_key", "-", typed=f"{KEY}\n")
    assert shell.read() == {"profiles": {"prod": {"api_key": KEY}}}
    assert mode_of(shell.file) == 0o600


def test_a_key_is_not_written_where_others_may_read(shell: Shell) -> None:
    shell.write("interval = 2\n", mode=0o644)
    done = shell.run("set", "api_key", "-", typed=f"{KEY}\n")
    assert done.exit_code == 2
    assert f"chmod 600 {shell.file}" in done.output
    assert KEY not in done.output
    assert KEY not in shell.file.read_text()


# -- what applies ------------------------------------------------------------------------------


def test_every_setting_is_shown_with_where_it_came_from(shell: Shell) -> None:
    shell.write(f'api_key = "{KEY}"\ninterval = 3\n[stuck]\nfloor_s = 30\n[keys]\nfit = "."\n')
    shell.env["GYMTUI_SOURCE"] = "all"
    done = shell.run("show", "--scenario", "hr")
    assert done.exit_code == 0
    assert KEY not in done.output
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert lines["api_key"][:2] == ["ck_…cdef", f"{shell.file}:1:"]
    assert lines["interval"][:2] == ["3", f"{shell.file}:2:"]
    assert lines["source"] == ['"all"', "GYMTUI_SOURCE"]
    assert lines["scenario"] == ['"hr"', "--scenario"]
    assert lines["read_only"] == ["false", "default"]
    assert lines["stuck.floor_s"][0] == "30"
    assert lines["keys.fit"][0] == "."
    assert shell.run("list", "--scenario", "hr").stdout == done.stdout
    document = json.loads(shell.run("show", "--json").stdout)
    assert document["interval"] == {"value": "3", "from": f"{shell.file}:2: interval"}


def test_what_only_the_screen_would_find_wrong_is_told_too(shell: Shell) -> None:
    shell.write('theme = "nigth"\n[keys]\ncancle = "X"\nrefresh = "q"\n')
    done = shell.run("show")
    assert done.exit_code == 0
    assert f"{shell.file}:1: theme: no theme named 'nigth'; did you mean night?" in done.stderr
    assert f"{shell.file}:3: keys.cancle: unknown command; did you mean" in done.stderr
    assert f"{shell.file}:4: keys.refresh: q is already leave" in done.stderr


def test_what_is_wrong_is_told_beside_it(shell: Shell) -> None:
    shell.write("intervall = 3\n")
    done = shell.run("show")
    assert done.exit_code == 0
    assert "did you mean interval?" in done.stderr
    assert "intervall" not in done.stdout
