"""Looking for the key: every place in its order, what was found in each, and whose gym it is for.

A key that someone set up for one gym is not sent to another: a profile's key goes where the
profile points, the vendor client's key where that client would go. Only `GYMTUI_API_KEY`, set for
this program and this moment, goes anywhere; to the gym of that moment, once another is switched to.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from gymtui.config.schema import ConfigFile, Problem
from gymtui.core.secret import ApiKey
from gymtui.core.urls import Origin

KEY_VARIABLE = "GYMTUI_API_KEY"
VENDOR_KEY_VARIABLES = ("SIMLAB_COLLINEAR_API_KEY", "COLLINEAR_API_KEY")
VENDOR_KEY_FIELD = "collinear_api_key"
COMMAND_TIMEOUT_S = 30.0

Runner = Callable[[Sequence[str], Mapping[str, str]], str]
"""Runs a command in an environment and returns what it printed; raises `CommandFailedError`."""


class CommandFailedError(Exception):
    """Why a command gave no key, in words that hold nothing of what it printed."""


class KeyPlace(Struct, frozen=True):
    place: str
    found: str  # what: `not set`, `used`, `not sent: …`; never the key


class KeySearch(Struct, frozen=True):
    key: ApiKey | None
    origin: str  # the place it came from, or ""
    places: tuple[KeyPlace, ...]  # every place looked at, in order, up to the one that had it
    problems: tuple[Problem, ...]


NO_SEARCH = KeySearch(None, "", (), ())


@dataclass(frozen=True)
class KeySources:
    env: Mapping[str, str] = field(repr=False)
    file: ConfigFile
    # Where in it, first to last (the profile, the top), each with the origin of the gym that its
    # key is for.
    tables: tuple[tuple[tuple[str, ...], Origin], ...]
    vendor_file: ConfigFile
    vendor_origin: Origin  # the gym that the vendor client's key is for
    target: Origin  # the gym that will be talked to
    run: Runner
    # The gym that the program's own variable is for; None for any.
    variables_gym: Origin | None = None


@dataclass(frozen=True, slots=True)
class _KeyCandidate:
    """What one place holds: a key, or words for why there is none."""

    place: str
    value: str | None = field(default=None, repr=False)
    found: str = "not set"
    problem: str | None = None


def find_key(sources: KeySources) -> KeySearch:
    """Looks for a key, first place first, and stops at the first that has one for this gym."""
    places: list[KeyPlace] = []
    problems: list[Problem] = []
    for find in _candidates(sources):
        key = usable_key(find.value)
        if find.problem is not None:
            problems.append(Problem(find.place, find.problem))
        if find.value is not None and key is None:
            find = _KeyCandidate(find.place, found="the value is not a valid key")
            fault = "is not a valid key: empty, or not printable ASCII"
            problems.append(Problem(find.place, fault))
        places.append(KeyPlace(find.place, find.found if key is None else "used"))
        if key is not None:
            return KeySearch(key, find.place, tuple(places), tuple(problems))
    return KeySearch(None, "", tuple(places), tuple(problems))


def run_command(argv: Sequence[str], env: Mapping[str, str], *, own_session: bool = False) -> str:
    """Runs a command without a shell and returns its output.

    It shares the terminal, so that a password manager may ask, but has no standard input; in a
    session of its own it has no terminal at all, since a screen is drawn on it.

    Raises:
        CommandFailedError: It cannot be run, fails, or takes longer than `COMMAND_TIMEOUT_S`.
    """
    try:
        done = subprocess.run(  # noqa: S603  (the person's own command, without a shell)
            argv,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
            start_new_session=own_session,
        )
    except subprocess.TimeoutExpired:
        failure = f"timed out after {COMMAND_TIMEOUT_S:g} s"
    except FileNotFoundError:
        failure = "command not found"
    except OSError as error:
        failure = f"cannot be run: {error.strerror}"
    else:
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        failure = f"failed with exit status {done.returncode}"
    raise CommandFailedError(failure)


def _candidates(sources: KeySources) -> Iterator[_KeyCandidate]:
    """Place by place, each looked into only when those before it had no key for this gym."""
    own = _variable(KEY_VARIABLE, sources.env)
    gym = sources.variables_gym
    meant = own.value is None or gym is None or gym == sources.target
    yield own if meant else _for_other_gym(own.place, gym or sources.target, sources.target)
    for names, origin in sources.tables if sources.file.path is not None else ():
        yield from _in_table(sources, names, origin)
    vendor = [_variable(name, sources.env) for name in VENDOR_KEY_VARIABLES]
    if sources.vendor_file.path is not None:
        vendor.append(_vendor_file(sources.vendor_file))
    for find in vendor:
        meant = find.value is None or sources.vendor_origin == sources.target
        yield find if meant else _for_other_gym(find.place, sources.vendor_origin, sources.target)


def _for_other_gym(place: str, origin: Origin, target: Origin) -> _KeyCandidate:
    return _KeyCandidate(place, found=f"not sent: it belongs to {origin}, not for {target}")


def _variable(name: str, env: Mapping[str, str]) -> _KeyCandidate:
    value = env.get(name)
    return _KeyCandidate(name, value or None, "empty" if value == "" else "not set")


def _vendor_file(file: ConfigFile) -> _KeyCandidate:
    place = f"{file.path}: {VENDOR_KEY_FIELD}"
    if not file.exists:
        return _KeyCandidate(place, found="no such file")
    value = file.document.get(VENDOR_KEY_FIELD)
    return _KeyCandidate(place, value if isinstance(value, str) and value else None)


def _in_table(
    sources: KeySources, names: tuple[str, ...], origin: Origin
) -> Iterator[_KeyCandidate]:
    """What one table of the configuration file says; nothing is run for another gym's key."""
    table = sources.file.table(*names)
    readers = {
        "api_key_env": _key_in_variable,
        "api_key_command": _key_by_command,
        "api_key": _inline,
    }
    present = [name for name in readers if name in table]
    if not present:
        where = f"{sources.file.path}{f', profile {names[-1]}' if names else ''}"
        yield _KeyCandidate(where, found="no key" if sources.file.exists else "no such file")
    for name in present:
        place = sources.file.place(*names, name)
        if origin == sources.target:
            yield readers[name](sources, place, table[name])
        else:
            yield _for_other_gym(place, origin, sources.target)


def _key_in_variable(sources: KeySources, place: str, name: Any) -> _KeyCandidate:
    if not isinstance(name, str) or not name:
        return _KeyCandidate(place, problem="should be the name of an environment variable")
    find = _variable(name, sources.env)
    where = f"{name}, named by {place}"
    problem = f"the variable is {find.found}" if find.value is None else None
    return _KeyCandidate(where, find.value, find.found, problem)


def _inline(sources: KeySources, place: str, value: Any) -> _KeyCandidate:
    if not isinstance(value, str):
        return _KeyCandidate(place, found="not text", problem="should be text")
    if sources.file.others_read:
        order = f"chmod 600 {shlex.quote(str(sources.file.path))}"
        problem = f"ignored: readable by other users; run: {order}"
        return _KeyCandidate(place, found="ignored: readable by other users", problem=problem)
    return _KeyCandidate(place, value)


def _key_by_command(sources: KeySources, place: str, command: Any) -> _KeyCandidate:
    try:
        argv = shlex.split(command) if isinstance(command, str) else command
    except ValueError:
        argv = None
    if not isinstance(argv, list) or not argv or not all(isinstance(a, str) for a in argv):
        problem = 'should be a command line, or a list such as ["pass", "show", "gym"]'
        return _KeyCandidate(place, found="no command", problem=problem)
    if sources.file.others_write:
        order = f"chmod go-w {shlex.quote(str(sources.file.path))}"
        problem = f"ignored: writable by other users; run: {order}"
        return _KeyCandidate(place, found="ignored: writable by other users", problem=problem)
    name = PurePath(argv[0]).name
    try:
        printed = sources.run(argv, sources.env)
    except CommandFailedError as failure:
        return _KeyCandidate(place, found=f"{name} {failure}", problem=f"{name} {failure}")
    # Password managers print notes below the password.
    return _KeyCandidate(place, next(iter(printed.strip().splitlines()), ""))


def fix_advice(origin: str) -> str:
    """What to do about a key that was refused, by the place it came from (`KeySearch.origin`)."""
    if not origin:
        return f"set {KEY_VARIABLE}, or a key in the configuration file"
    variable = origin.partition(", named by ")[0]
    if variable.isidentifier():
        # What is changed in a shell reaches no program that it started before.
        return f"set {variable} to another key and start again"
    command = origin.endswith("api_key_command")
    return "make its command print another key" if command else "fix it there"


def usable_key(value: str | None) -> ApiKey | None:
    """A key, spaces around it left out; None for what cannot be one: empty, no printable ASCII."""
    text = (value or "").strip()
    return ApiKey(text) if text and text.isascii() and text.isprintable() else None
