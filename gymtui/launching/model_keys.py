"""Model keys by provider: from `[model_keys]`, else from the variables that people have them in.

To say where a key will come from, only the environment is looked at; a command is run when the key
is really wanted, and what it printed is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from gymtui.config.api_key import CommandFailedError, Runner, run_command
from gymtui.config.schema import ModelKeySource
from gymtui.core.secret import ApiKey

USUAL_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    # Bedrock's own kind of API key. Half of an access key pair would be of no use to a gym, and
    # is none that should leave this machine unasked.
    "aws-bedrock": ("AWS_BEARER_TOKEN_BEDROCK",),
    "azure-openai": ("AZURE_OPENAI_API_KEY", "AZURE_API_KEY"),
    "gcp": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
"""The variables in which the providers' own tools look for a key, first to last."""

NO_KEY: Final = "none"
"""What is sent for `custom` when nothing else is known: the API wants a key of every launch."""


class NoModelKey(Exception):  # noqa: N818  (it says what happened)
    """Why there is no key, in words that hold nothing of one."""


@dataclass(frozen=True, slots=True)
class KeySource:
    words: str  # the place: a variable with the key's hint, a command; or why there is none
    there: bool  # whether there is one to be had, as far as that shows without running anything


@dataclass(frozen=True)
class ModelKeys:
    # By provider, from `[model_keys]`.
    sources: Mapping[str, ModelKeySource] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    run: Runner = run_command

    def key_source(self, provider: str) -> KeySource:
        """Where a provider's key would come from. Runs nothing."""
        source = self.sources.get(provider)
        if source is not None and source.command is not None:
            return KeySource(f"`{PurePath(source.command[0]).name}`, run at launch", True)
        if source is not None and source.env is not None:
            found = self._variable(source.env)
            if found is None:
                return KeySource(f"{source.env} is not set ([model_keys])", False)
            return KeySource(f"{source.env} ({found.hint})", True)
        names = USUAL_VARIABLES.get(provider, ())
        for name in names:
            found = self._variable(name)
            if found is not None:
                return KeySource(f"{name} ({found.hint})", True)
        if not names:
            return KeySource(f'"{NO_KEY}"', True)
        return KeySource(f"no key: set {' or '.join(names)}, or [model_keys]", False)

    def get(self, provider: str) -> ApiKey:
        """A provider's key; runs the command that prints it, if there is one.

        Raises:
            NoModelKey: There is none, and why.
        """
        source = self.sources.get(provider)
        if source is not None and source.command is not None:
            return self._printed(source.command)
        names = (
            (source.env,)
            if source is not None and source.env
            else USUAL_VARIABLES.get(provider, ())
        )
        for name in names:
            found = self._variable(name)
            if found is not None:
                return found
        if source is None and not names:
            return ApiKey(NO_KEY)
        raise NoModelKey(self.key_source(provider).words)

    def _variable(self, name: str) -> ApiKey | None:
        value = self.env.get(name, "").strip()
        return ApiKey(value) if value else None

    def _printed(self, command: tuple[str, ...]) -> ApiKey:
        name = PurePath(command[0]).name
        try:
            printed = self.run(command, self.env)
        except CommandFailedError as failure:
            raise NoModelKey(f"{name} {failure}") from None
        # Password managers print notes below the password.
        first = next(iter(printed.strip().splitlines()), "").strip()
        if not first:
            raise NoModelKey(f"{name} printed no key")
        return ApiKey(first)
