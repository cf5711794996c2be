"""The environment of the programs that are only started to help: they are given nobody's keys."""

from __future__ import annotations

from collections.abc import Mapping

_WANTED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "SYSTEMROOT"),
        *("TERM", "COLORTERM", "TMUX", "TMUX_PANE", "TMUX_TMPDIR", "VIRTUAL_ENV"),
    }
)
_WANTED_BEGIN = ("LC_", "LD_", "DYLD_", "PYTHON", "XDG_", "COVERAGE_")


def helper_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment helpers may see: what they need, which keys never are among.

    Keys are in variables of any name (`api_key_env`, `[model_keys]`), so that what is handed on
    is chosen, not what is held back.
    """
    return {
        name: value
        for name, value in environ.items()
        if name in _WANTED or name.startswith(_WANTED_BEGIN)
    }
