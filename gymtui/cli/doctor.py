"""`gymtui doctor`: what may be wrong here, on the way to the gym and in the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from gymtui.cli.checkup import gym, local
from gymtui.cli.checkup.checks import Check, CheckState, worst_state
from gymtui.cli.checkup.terminal import Streams, check_terminal, run_quickly
from gymtui.cli.output import Colour, Printer, coloured
from gymtui.config.settings import LoadedSettings
from gymtui.core.replacement import replace
from gymtui.core.secret import ApiKey
from gymtui.core.text import clean, fit, width

MARKS: Mapping[CheckState, tuple[str, Colour]] = {
    CheckState.OK: ("✓", "green"),
    CheckState.WARNING: ("!", "yellow"),
    CheckState.BAD: ("✗", "red"),
}


def run_checks(
    loaded: LoadedSettings, env: Mapping[str, str], config: Path, *, tell: Callable[[str], object]
) -> tuple[list[Check], int, bool]:
    """Look at everything.

    Returns:
        The checks in the order to show them, the exit code, and whether something still hangs.
    """
    loaded = local.with_screen_problems(loaded, env)
    settings = loaded.settings
    checks = [*local.check_versions(), *local.check_files(env, config, settings)]
    checks += local.check_settings(loaded)
    hangs = False
    if loaded.fatal:
        advice = "fix the settings listed above"
        checks.append(Check("gym", "calls", "not checked", CheckState.BAD, advice))
        status = 2
    else:
        tell(f"contacting {clean(settings.base_url)} …")
        report = gym.check_gym(settings)
        checks += report.checks
        status, hangs = report.status, not report.ended
    checks += check_terminal(_streams(), env, run_quickly)
    return [mask_key(check, settings.key) for check in checks], status, hangs


def checks_document(checks: Sequence[Check], status: int) -> Mapping[str, object]:
    listed = [check.document for check in checks]
    return {"worst": worst_state(checks).value, "exit": status, "checks": listed}


def checks_lines(checks: Sequence[Check], printer: Printer) -> Iterator[str]:
    """All of it for people; lines are as long as they are, since advice is not to be cut."""
    names = max((width(clean(check.name)) for check in checks), default=0)
    for subject, group in groupby(checks, key=lambda check: check.subject):
        yield coloured(subject, "bold") if printer.colour else subject
        for check in group:
            mark, colour = MARKS[check.state]
            shown = coloured(mark, colour) if printer.colour else mark
            yield f"  {shown} {fit(check.name, names, pad=True)}  {clean(check.message)}"
            if check.advice:
                yield f"    {'':{names}}  → {clean(check.advice)}"
    yield ""
    yield _summary(checks)


def _summary(checks: Sequence[Check]) -> str:
    numbers = {state: sum(check.state is state for check in checks) for state in CheckState}
    if worst_state(checks) is CheckState.OK:
        return "All checks passed."
    parts = [f"{number} {state}" for state, number in reversed(numbers.items()) if number]
    return ", ".join(parts)


def mask_key(check: Check, key: ApiKey | None) -> Check:
    """A check in which the key is not, wherever it may have been quoted."""
    if key is None:
        return check
    return replace(check, message=key.mask(check.message), advice=key.mask(check.advice))


def _streams() -> Streams:
    terminals = (sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())
    size: tuple[int, int] | None = None
    for stream, is_terminal in zip((sys.stdout, sys.stderr, sys.stdin), terminals, strict=True):
        if is_terminal and size is None:
            try:
                columns, rows = os.get_terminal_size(stream.fileno())
            except OSError:
                continue
            size = (columns, rows)
    return Streams(terminals, size, sys.stdout.encoding or "utf-8")
