"""The command line of `doctor`. What it does is `cli.doctor`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gymtui.cli.options import (
    given,
    gym_options,
    json_option,
    loaded,
    scope_options,
    tell,
)


@click.command(
    epilog="Checks versions, files, settings (with their origin; the key as ck_…1234), the "
    "connection to the gym (DNS, TLS, clock, latency, one read-only call per endpoint) and the "
    "terminal. --json is {worst, exit, checks: [{subject, name, message, state, advice}]}; state "
    "is ok, warning or bad. Exit codes: 0 the gym answers, 2 invalid settings, 3 no answer, 4 "
    "refused. It takes 40 s at most."
)
@gym_options
@scope_options
@json_option
def doctor(form: str | None, **flags: Any) -> None:
    """Diagnose settings, network, key and terminal, with advice."""
    from pathlib import Path

    from gymtui.cli.doctor import checks_document, checks_lines, run_checks
    from gymtui.cli.output import Printer
    from gymtui.core import paths

    wanted = given(flags)
    env = dict(os.environ)
    config = Path(wanted["config"]) if "config" in wanted else paths.config_file(env)
    waiting = tell if sys.stderr.isatty() else (lambda _words: None)
    checks, status, hangs = run_checks(loaded(wanted), env, config, tell=waiting)
    printer = Printer.standard()
    if form == "json":
        printer.document(checks_document(checks, status))
    else:
        printer.lines(checks_lines(checks, printer))
    if hangs:
        # A resolver that hangs would be waited for at the end of the program.
        os._exit(status)
    sys.exit(status)
