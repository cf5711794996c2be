"""The command line of `digest`. What it does is `cli.digest`."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import click

from gymtui.cli.options import (
    form_option,
    given,
    gym_options,
    journal_of,
    json_option,
    run_against_gym,
    scope_options,
    settings_of,
    tell,
)


def moment(text: str) -> datetime:
    """A time in the past: `18:02` (today or yesterday), a date with a time, or `12h` ago.

    Raises:
        click.BadParameter: It is none.
    """
    from gymtui.cli.wait_command import seconds

    now = datetime.now().astimezone()
    try:
        if ":" in text and "T" not in text and " " not in text:
            at = datetime.combine(now.date(), time.fromisoformat(text)).astimezone()
            return at if at <= now else at - timedelta(days=1)
        if text[:4].isdecimal() and "-" in text:
            return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise click.BadParameter("expected 18:02, 2026-11-29T18:02 or 12h") from None
    return now - timedelta(seconds=seconds(text))


@click.command(
    epilog="""\
A run regressed if it passes less than the run of its name that ended before it (s4000 after s3000),
by Fisher's exact test, adjusted for all runs compared.
""",
)
@gym_options
@scope_options
@click.option(
    "--since",
    type=moment,
    default="12h",
    show_default=True,
    metavar="TIME",
    help="Since 18:02, 2026-11-29T18:02, or so long ago.",
)
@form_option("markdown", "Markdown, for a chat or a mail.")
@json_option
def digest(since: datetime, form: str | None, **flags: Any) -> None:
    """Tell what happened since a time: runs finished and regressed, errors by cause."""
    settings = settings_of(given(flags))
    from gymtui.cli.digest import digest_document, digest_lines, read_digest
    from gymtui.cli.output import Printer

    found = run_against_gym(
        settings, lambda: read_digest(settings, journal_of(settings), since, tell)
    )
    printer = Printer.standard()
    if form == "json":
        printer.document(digest_document(found))
    else:
        printer.lines(digest_lines(found, markdown=form == "markdown"))
