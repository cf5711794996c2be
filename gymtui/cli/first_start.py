"""What a person sees who has set nothing up yet: what was looked for, what to do, and the demo.

Plain lines and one key: they stay readable, and can be copied from, after the program has ended.
"""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click

from gymtui.config.schema import DEFAULT_BASE_URL
from gymtui.config.settings import LoadedSettings
from gymtui.core import urls
from gymtui.core.text import clean, width

_DEMO = "\r\nd"
_LEAVE = "qQ\x1b\x04"


def is_unconfigured(loaded: LoadedSettings) -> bool:
    """Whether neither a key nor a gym was named anywhere, so that there is nothing to show."""
    settings = loaded.settings
    return (
        settings.key is None
        and settings.origins.get("base_url") == "default"
        and settings.origins.get("profile_name") == "default"
        and not urls.is_loopback(urls.origin_of(settings.base_url).host)
    )


def welcome_text(loaded: LoadedSettings, env: Mapping[str, str]) -> str:
    home = env.get("HOME", "")
    places = [(_short(clean(place.place), home), clean(place.found)) for place in loaded.key_places]
    cells = max((width(place) for place, _ in places), default=0)
    looked = [f"  {place}{' ' * (cells - width(place))}   {found}" for place, found in places]
    profiles = [clean(profile.name) for profile in loaded.profiles]
    named = f"Your profiles: gymtui --profile {' | '.join(profiles)}" if profiles else ""
    return "\n".join(
        [
            "gymtui shows the runs of an RL gym. It needs a key for",
            f"{DEFAULT_BASE_URL}, and found none. It searched",
            "",
            *looked,
            "",
            "To set one, do any of these:",
            "",
            "  export GYMTUI_API_KEY=…        for this shell",
            "  gymtui config set api_key -    asks for it and saves it, readable only by you",
            "  set up simlab                  gymtui uses its key",
            "",
            *([named] if named else ()),
            "Another gym: gymtui --base-url URL. Diagnosis: gymtui doctor.",
            "",
            "  enter  opens the demo: a gym on this machine, with runs in progress",
            "  q      quits",
        ]
    )


@contextmanager
def key_reader() -> Iterator[Callable[[], str]]:
    """Take keys of the terminal one at a time, without Enter; empty once the terminal is gone.

    None is lost, not even one that is pressed while the words before it are being written.
    """
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSADRAIN)

    waiting: list[str] = []

    def press() -> str:
        if not waiting:
            pressed = os.read(terminal, 32).decode("utf-8", "replace")
            # An arrow's bytes are one key, and not that of Escape.
            waiting.extend([pressed] if pressed.startswith("\x1b") else pressed or [""])
        return waiting.pop(0)

    try:
        yield press
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def offer_demo(
    loaded: LoadedSettings,
    env: Mapping[str, str],
    *,
    keys: Callable[[], AbstractContextManager[Callable[[], str]]] = key_reader,
) -> bool:
    """Say it, and wait for a key; whether the demo is wanted."""
    with keys() as press:
        click.echo(welcome_text(loaded, env), err=True)
        while True:
            key = press()
            if key and key.lower() in _DEMO:
                return True
            if key in _LEAVE:
                return False


def _short(place: str, home: str) -> str:
    """A place with the person's home as `~`."""
    top = str(Path(home))
    return f"~{place[len(top) :]}" if len(home) > 1 and place.startswith(f"{top}/") else place
