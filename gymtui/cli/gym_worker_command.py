"""The command line of `gym-worker`: run rollouts of a gym in PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gymtui.cli.gym_database import database_options, is_shared, place_of
from gymtui.cli.options import EXIT_USAGE, fail
from gymtui.core.text import clean


@click.command("gym-worker")
@database_options
@click.option(
    "--at-once",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="Concurrent rollouts in this worker.",
)
@click.option(
    "--scenarios",
    multiple=True,
    metavar="DIR",
    help="Scenario of your own, or a directory of them, as the gym has them. Repeatable.",
)
def gym_worker(
    db: str, db_password_command: str | None, at_once: int, scenarios: tuple[str, ...]
) -> None:
    """Run rollouts of a local gym in PostgreSQL, beside any number of other workers.

    GYMTUI_JUDGE_KEY is the API key of the gym's judge model; GYMTUI_GYM_DB stands for --db.
    """
    from gymtui.gym.engine.worker_process import CannotWorkError, work

    place = place_of(db, db_password_command)
    if isinstance(place, Path) or not is_shared(db):
        fail("a worker needs the gym's database: --db postgresql://…", EXIT_USAGE)
    told = f"working for {clean(place.name)}, {at_once} rollouts at a time"
    try:
        work(
            place,
            at_once=at_once,
            judge_key=os.environ.get("GYMTUI_JUDGE_KEY", ""),
            scenarios=[Path(name) for name in scenarios],
            ready=lambda: click.echo(told, err=True),
        )
    except CannotWorkError as error:
        fail(str(error), EXIT_USAGE)
