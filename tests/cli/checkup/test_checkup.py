"""What `doctor` makes of what it finds: terminals, files, and ways to a gym that go wrong."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gymtui.cli.checkup import gym
from gymtui.cli.checkup.checks import Check, CheckState, worst_state
from gymtui.cli.checkup.gym import GymChecks, check_gym
from gymtui.cli.checkup.local import check_files
from gymtui.cli.checkup.terminal import Streams, check_terminal
from gymtui.cli.doctor import checks_lines, mask_key
from gymtui.cli.output import Printer
from gymtui.config.settings import Settings
from gymtui.core.secret import ApiKey
from gymtui.store.history.journal_place import file_name

ALL = Streams((True, True, True), (120, 40), "utf-8")
GOOD = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "en_GB.UTF-8"}


def states(checks: Iterator[Check] | Sequence[Check]) -> dict[str, CheckState]:
    return {check.name: check.state for check in checks}


def no_tmux(_: Sequence[str]) -> str | None:
    return None


def test_a_good_terminal_has_nothing_to_complain_about() -> None:
    assert worst_state(check_terminal(ALL, GOOD, no_tmux)) is CheckState.OK


@pytest.mark.parametrize(
    ("streams", "env", "name", "advice"),
    [
        (Streams((True,) * 3, (79, 24), "utf-8"), {}, "size", "80x24"),
        (ALL, {"TERM": "dumb"}, "TERM", "xterm-256color"),
        (ALL, {"LANG": "C"}, "encoding", "--ascii"),
        (ALL, {"LANG": "en_GB.ISO-8859-1"}, "encoding", "--ascii"),
        (Streams((True,) * 3, (80, 24), "latin-1"), {}, "encoding", "--ascii"),
        (ALL, {"STY": "1.pts"}, "screen", "use tmux"),
        (ALL, {"TMUX": "/tmp/x,1,0"}, "tmux", "OSC 52"),
    ],
)
def test_what_is_wrong_with_a_terminal_is_told_with_advice(
    streams: Streams, env: dict[str, str], name: str, advice: str
) -> None:
    found = {check.name: check for check in check_terminal(streams, GOOD | env, no_tmux)}
    assert found[name].state is CheckState.WARNING
    assert advice in found[name].advice


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"COLORTERM": "24bit"}, "16 million"),
        ({"COLORTERM": ""}, "256 (TERM"),
        ({"COLORTERM": "", "TERM": "xterm-kitty"}, "256 (TERM"),
        ({"COLORTERM": "", "TERM": "xterm"}, "16 (TERM"),
        ({"COLORTERM": "", "TERM": "vt220"}, "none (TERM)"),
    ],
)
def test_as_many_colours_are_told_as_are_drawn(env: dict[str, str], said: str) -> None:
    found = {check.name: check for check in check_terminal(ALL, GOOD | env, no_tmux)}
    assert found["colours"].message.startswith(said)


def test_tmux_is_asked_for_what_matters() -> None:
    options = {
        "-V": "tmux 3.4",
        "set-clipboard": "off",
        "escape-time": "500",
        "focus-events": "off",
    }

    def run(command: Sequence[str]) -> str | None:
        return options.get(command[-1])

    found = states(check_terminal(ALL, GOOD | {"TMUX": "x"}, run))
    assert found["set-clipboard"] is CheckState.WARNING
    assert found["escape-time"] is CheckState.WARNING
    assert found["focus-events"] is CheckState.OK
    assert "clipboard" not in found


def test_files_that_cannot_be_used_are_told_and_nothing_is_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    env = {"GYMTUI_STATE_DIR": str(blocked / "state"), "HOME": str(tmp_path)}
    found = states(check_files(env, tmp_path / "none.toml", Settings(base_url="http://x")))
    assert found["state"] is CheckState.WARNING
    fine = {"GYMTUI_STATE_DIR": str(tmp_path / "new"), "HOME": str(tmp_path)}
    assert (
        worst_state(check_files(fine, tmp_path / "none.toml", Settings(base_url="http://x")))
        is CheckState.OK
    )
    assert not (tmp_path / "new").exists()


def test_the_cache_is_looked_at_too(tmp_path: Path) -> None:
    def check(limit_mib: int, **env: str) -> dict[str, Check]:
        there = {"GYMTUI_STATE_DIR": str(tmp_path), "HOME": str(tmp_path), **env}
        found = check_files(
            there, tmp_path / "c", Settings(base_url="http://x", archive_limit_mib=limit_mib)
        )
        return {each.name: each for each in found}

    (tmp_path / "file").write_text("")
    blocked = check(2048, GYMTUI_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert blocked["cache"].state is CheckState.WARNING
    assert "set GYMTUI_CACHE_DIR" in blocked["cache"].advice
    archive = tmp_path / "cache" / "transcripts.sqlite3"
    assert "created when needed" in check(9, GYMTUI_CACHE_DIR=str(archive.parent))["cache"].message
    assert not archive.parent.exists()
    archive.parent.mkdir()
    archive.write_bytes(bytes(3 * 2**20))
    archive.with_name("transcripts.sqlite3-wal").write_bytes(bytes(2**20))
    found = check(9, GYMTUI_CACHE_DIR=str(archive.parent))["transcripts"]
    assert found.message == f"{archive}, 4.0 of at most 9 MiB"
    assert "memory only" in check(0, GYMTUI_CACHE_DIR=str(archive.parent))["transcripts"].message


def test_a_journal_that_cannot_be_read_is_told_and_left_alone(tmp_path: Path) -> None:
    journal = tmp_path / file_name("http://x")
    journal.write_bytes(b"no database" * 500)
    env = {"GYMTUI_STATE_DIR": str(tmp_path), "HOME": str(tmp_path)}
    assert (
        states(check_files(env, tmp_path / "c", Settings(base_url="http://x")))["journal"]
        is CheckState.WARNING
    )
    assert journal.read_bytes() == b"no database" * 500


# -- the way -------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gym, "STEP_S", 0.3)


def settings(url: str, key: str | None = None) -> Settings:
    return Settings(base_url=url, key=ApiKey(key) if key else None, key_origin="THE_VARIABLE")


class Server(ThreadingHTTPServer):
    """Answers everything alike, and remembers what was asked."""

    daemon_threads = True
    asked: list[tuple[str, str]]


@contextmanager
def serving(status: int, body: bytes, kind: str = "application/json") -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            server.asked.append((self.command, self.path))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    server.asked = []
    running = threading.Thread(target=server.serve_forever)
    running.start()
    try:
        yield server
    finally:
        server.shutdown()
        running.join()
        server.server_close()


def visited(status: int, body: bytes, *, key: str | None = None) -> tuple[GymChecks, Server]:
    with serving(status, body) as server:
        return check_gym(settings(f"http://127.0.0.1:{server.server_port}", key)), server


def test_an_empty_gym_is_a_good_one_and_only_gets_are_sent() -> None:
    body = b'{"total": 0, "runs": [], "rollouts": [], "scenarios": []}'
    seen, server = visited(200, body)
    assert (seen.status, seen.ended) == (0, True)
    assert worst_state(seen.checks) is CheckState.OK
    assert {method for method, _ in server.asked} == {"GET"}


@pytest.mark.parametrize(
    ("status", "body", "exit_code", "words"),
    [
        (401, b'{"detail": "bad key"}', 4, "401 with the key from THE_VARIABLE: bad key"),
        (403, b"{}", 4, "403 with the key from THE_VARIABLE"),
        (500, b"<html>oops</html>", 4, "500"),
        (
            200,
            b"<html>login</html>",
            3,
            "the answer is a web page, not the gym's: a proxy or login page",
        ),
        (200, b"", 3, "the answer is empty"),
        (403, b"<p>blocked", 3, "the answer is a web page (403), not the gym's"),
        (407, b"", 3, "a proxy requires a login (407)"),
        (511, b"<p>log in", 3, "the network requires a login (511)"),
        (404, b"{}", 4, "404"),
    ],
)
def test_a_refusal_is_told_with_advice_and_never_the_key(
    status: int, body: bytes, exit_code: int, words: str
) -> None:
    key = "ck_live_0123456789abcdef"
    seen, _ = visited(status, body, key=key)
    assert seen.status == exit_code
    last = seen.checks[-1]
    assert (last.name, last.state) == ("GET /runs", CheckState.BAD)
    assert words in last.message
    assert last.advice
    assert key not in str(seen.checks)


def test_nobody_there_is_told_at_its_step() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    seen = check_gym(settings(f"http://127.0.0.1:{port}"))
    assert (seen.status, seen.ended) == (3, True)
    assert [(check.name, check.state) for check in seen.checks] == [
        ("name", CheckState.OK),
        ("connection", CheckState.BAD),
    ]


def test_a_gym_that_takes_and_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        seen = check_gym(settings(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert (seen.status, seen.ended) == (3, True)
    assert "no answer: timeout" in seen.checks[-1].message


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object], None]]:
    """Makes looking up names hang, until the test is over, or fail."""
    over = threading.Event()

    def use(outcome: object) -> None:
        def look_up(*_: object, **__: object) -> object:
            if isinstance(outcome, Exception):
                raise outcome
            over.wait(30)
            raise OSError("too late")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    yield use
    over.set()


def test_a_resolver_that_hangs_or_fails_is_told(resolver: Callable[[object], None]) -> None:
    resolver(None)
    seen = check_gym(settings("https://gym.example"))
    assert (seen.status, seen.ended) == (3, True)
    assert "gym.example: no answer within 0.3 s" in seen.checks[-1].message
    resolver(socket.gaierror(-2, "Name or service not known"))
    seen = check_gym(settings("https://gym.example"))
    assert (seen.status, len(seen.checks)) == (3, 1)
    assert "no such host" in seen.checks[0].message


def test_whatever_hangs_the_whole_has_its_end(
    monkeypatch: pytest.MonkeyPatch, resolver: Callable[[object], None]
) -> None:
    monkeypatch.setattr(gym, "STEP_S", 30.0)
    resolver(None)
    seen = check_gym(settings("https://gym.example"), whole_s=0.2)
    assert (seen.status, seen.ended) == (3, False)
    assert "timed out" in seen.checks[-1].message


def test_what_is_printed_is_clean_and_lines_up() -> None:
    checks = [
        Check("gym", "GET /runs", "500: \x1b]0;x\x07<b>", CheckState.BAD, "look\nthere"),
        Check("gym", "名", "ok"),
    ]
    printer = Printer.of(io.StringIO(), {})
    printed = list(checks_lines(checks, printer))
    assert printed == [
        "gym",
        "  ✗ GET /runs  500: <b>",
        "               → look⏎there",
        "  ✓ 名         ok",
        "",
        "1 bad, 1 ok",
    ]


def test_a_key_that_anything_quotes_is_not_told() -> None:
    key = ApiKey("ck_live_0123456789abcdef")
    check = mask_key(Check("gym", "x", f"got {key.reveal()}", advice=f"send {key.reveal()}"), key)
    assert (check.message, check.advice) == ("got ck_…cdef", "send ck_…cdef")
    assert mask_key(check, None) == check
