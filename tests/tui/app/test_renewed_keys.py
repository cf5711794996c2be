"""A refused key that was mended where it came from: used at the next try, and never shown."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from gymtui.api.client import GymClient
from gymtui.api.lazy_client import LazyClient
from gymtui.cli.profiles import ConfiguredGyms
from gymtui.config.settings import load
from gymtui.core import urls
from gymtui.poll import poller
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.kit.status_line import banner
from gymtui.tui.runtime.crash_report import Reporter
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym

OLD, WRONG, NEW = (f"ck_{name}_0123456789abcdef" for name in ("old", "wrong", "new"))


class Home:
    """A configuration file with a profile, a command's output, and a gym that takes one key."""

    def __init__(self, directory: Path) -> None:
        self.config, self.printed = directory / "config.toml", directory / "printed"
        self.gym = ScriptedGym()
        self.gym.add("r1", "t1", "running")
        self.sent: list[str | None] = []
        self.write(f'api_key = "{OLD}"')
        self.env: Mapping[str, str] = {
            "GYMTUI_CONFIG": str(self.config),
            "SIMLAB_CONFIG": str(directory / "none.toml"),
            "PATH": "/usr/bin:/bin",
        }
        found = load({}, self.env, self.config, None)
        first = urls.origin_of(found.settings.base_url)
        self.gyms = ConfiguredGyms(found.profiles, {}, self.env, first)
        settings = found.settings.model_copy(update={"interval_s": 0.1})
        transport = httpx.MockTransport(self.answer)
        self.client = GymClient(self.gym.url, settings.key, transport=transport)
        self.reporter = Reporter(directory, secrets=[OLD])
        late = LazyClient(lambda: self.client)
        self.app = GymtuiApp(settings, late, self.reporter, gyms=self.gyms)

    def write(self, key: str, url: str | None = None) -> None:
        text = f'profile = "lab"\n[profiles.lab]\nbase_url = "{url or self.gym.url}"\n{key}\n'
        part = self.config.with_suffix(".part")
        part.write_text(text)
        part.chmod(0o600)
        part.replace(self.config)

    def answer(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("API-Key")
        self.sent.append(key)
        if key != NEW:
            return httpx.Response(401, json={"detail": f"bad key {key}"})
        return self.gym.answer(request)

    @property
    def banner(self) -> str:
        return repr(banner(self.app, 200))


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_mended_key_is_sent_at_the_next_try_and_the_old_one_never_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    by_hand: bool,
) -> None:
    monkeypatch.setattr(poller, "REFUSED_S", 3600.0 if by_hand else 0.01)
    caplog.set_level(logging.DEBUG, "gymtui")
    home = Home(tmp_path)
    async with home.app.run_test(size=(120, 36)) as pilot:
        person = Person(home.app, pilot, home.gym)  # type: ignore[arg-type]

        async def again() -> None:
            if by_hand:
                await person.press("ctrl+r")

        await person.until(lambda: "lab" in home.banner and "…cdef" in home.banner)
        assert set(home.sent) == {OLD}

        # Its command prints another, which is refused too: the banner names the place.
        home.printed.write_text(WRONG + "\n")
        home.write(f'api_key_command = ["cat", "{home.printed}"]')
        await again()
        await person.until(lambda: "api_key_command" in home.banner and WRONG in home.sent)
        began = home.sent.index(WRONG)
        await person.until(lambda: "ck_" in home.banner and home.app.session.poller.is_idle)

        # A key for another gym is not for this one.
        home.write(f'api_key = "{NEW}"', "http://127.0.0.1:10")
        tries = len(home.sent)  # before the key is pressed: its try may be over once it was
        await again()
        await person.until(lambda: len(home.sent) > tries + (0 if by_hand else 2))
        assert set(home.sent[began:]) == {WRONG}

        home.write(f'api_key_command = ["cat", "{home.printed}"]')
        home.printed.write_text(NEW + "\n")
        await person.until(lambda: by_hand or NEW in home.sent)
        await person.until(lambda: not by_hand or home.app.session.poller.is_idle)
        await again()
        await person.until(lambda: bool(home.app.session.store.runs))
        await person.until(lambda: banner(home.app, 200) == ())
        after = home.sent[home.sent.index(NEW) :]
        assert set(after) == {NEW}
        assert home.app.session.settings.key_origin.endswith("api_key_command")
        told = (
            f"{caplog.text} {home.client!r} {home.app.session.settings!r} {home.app.session.link!r}"
        )
        for key in (OLD, WRONG, NEW):
            assert key not in told
            assert key not in home.reporter.safe(f"it was {key}.")
    person.http.close()


async def test_no_key_found_leaves_the_one_in_use(tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = home.app.session.settings
    assert home.gyms.find_key(settings) == (settings.key, settings.key_origin)
    home.write('api_key_command = ["false"]')
    assert home.gyms.find_key(settings) is None
    home.config.write_text("[profiles.lab\n")
    assert home.gyms.find_key(settings) is None
    home.config.unlink()
    assert home.gyms.find_key(settings) is None
