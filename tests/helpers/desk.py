"""A person's files and environment, as the tests of settings and of keys set them up."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gymtui.config.api_key import CommandFailedError
from gymtui.config.settings import LoadedSettings, load

KEY = "ck_own_0123456789abcdef"
VENDOR_KEY = "col_vendor_0123456789abcdef"

PROFILES = """
profile = "prod"
[profiles.prod]
base_url = "https://prod.example"
[profiles.lab]
base_url = "https://lab.example"
"""


class Desk:
    """A person's files and environment."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config.toml"
        self.vendor = directory / "simlab.toml"
        self.env: dict[str, str] = {}
        self.ran: list[list[str]] = []
        self.printed = KEY + "\n"

    def write(self, text: str, mode: int = 0o600) -> None:
        self.config.write_text(text)
        self.config.chmod(mode)

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> str:
        assert env == self.env
        self.ran.append(list(argv))
        if argv[0] == "broken":
            raise CommandFailedError("failed with exit status 3")
        return self.printed

    def load(self, **flags: object) -> LoadedSettings:
        return self.load_remembering(None, **flags)

    def load_remembering(self, picked: str | None, **flags: object) -> LoadedSettings:
        loaded = load(flags, self.env, self.config, self.vendor, run=self.run, remembered=picked)
        said = repr(loaded) + "".join(map(str, loaded.problems))
        assert "0123456789" not in said, "a key shows"
        return loaded


def key_of(loaded: LoadedSettings) -> str | None:
    return None if loaded.settings.key is None else loaded.settings.key.reveal()
