"""The command lines of the local gym: `gym` serves one, `gym-worker` runs rollouts for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from gymtui.cli.gym_database import database_options, is_shared, place_of
from gymtui.cli.options import Option, fail, fail_on_file
from gymtui.core.text import clean

_SCENARIOS = "Scenario of your own, or a directory of them"


def _scenarios_option(words: str) -> Option[Any]:
    return click.option(
        "--scenarios",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help=words,
    )


@click.group(invoke_without_command=True)
@click.option("--port", type=int, default=8765, show_default=True, help="0 picks a free port.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Anything but loopback needs a key."
)
@database_options
@click.option(
    "--speed", type=float, default=1.0, show_default=True, help="Speed of time (1 is real time)."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Random seed.")
@click.option("--faults", is_flag=True, help="Accept fault injection, for tests.")
@click.option(
    "--clock-offset",
    "clock_offset_s",
    type=float,
    default=0.0,
    metavar="S",
    help="Offset of the gym's clock.",
)
@click.option(
    "--max-parallel",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="Concurrent rollouts, over all runs.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Concurrent requests per model.",
)
@_scenarios_option(f"{_SCENARIOS}. Repeatable.")
@click.option(
    "--no-worker", is_flag=True, help="Serve only: `gymtui gym-worker` runs the rollouts."
)
@click.option("--judge-model", metavar="MODEL", help="Model that judges by rubric_markdown.")
@click.option("--judge-url", metavar="URL", help="Base URL of the judge model.")
@click.option(
    "--model-timeout",
    "model_timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="S",
    help="Seconds until a model request times out.",
)
@click.pass_context
def gym(
    context: click.Context,
    /,
    host: str,
    port: int,
    db: str,
    db_password_command: str | None,
    max_requests: int,
    no_worker: bool,
    judge_model: str | None,
    judge_url: str | None,
    model_timeout_s: float,
    **chosen: Any,
) -> None:
    """Serve a local gym: the same API, with rollouts that really run.

    If GYMTUI_GYM_KEY is set, every request must carry that key. GYMTUI_JUDGE_KEY is the API key
    of the judge model; GYMTUI_GYM_DB stands for --db.
    """
    if context.invoked_subcommand is not None:
        return
    from pydantic import SecretStr

    from gymtui.gym.http.server import CannotServeError, GymOptions, judge_settings, serve
    from gymtui.gym.models.model_servers import ServerLimits

    judge = {"model": judge_model, "api_key": os.environ.get("GYMTUI_JUDGE_KEY", "")}
    judge |= {"base_url": judge_url} if judge_url is not None else {}
    key = os.environ.get("GYMTUI_GYM_KEY")
    try:
        options = GymOptions(
            api_key=SecretStr(key) if key else None,
            server_limits=ServerLimits(max_requests, model_timeout_s),
            judge=judge_settings(judge) if judge_model is not None else None,
            works=not no_worker,
            **chosen,
        )
        place = place_of(db, db_password_command)
        serve(
            host, port, place, options, lambda url: click.echo(f"gym listening on {url}", err=True)
        )
    except CannotServeError as error:
        fail(str(error))


@gym.command()
@click.argument("directory", metavar="DIR")
def new(directory: str) -> None:
    """Write a small scenario of your own: a tool server, a task and its verifier."""
    from gymtui.gym.scenarios.example_bundle import write_example

    try:
        written = write_example(Path(directory))
    except OSError as error:
        fail_on_file(directory, error)
    for path in written:
        click.echo(clean(path))


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
@_scenarios_option(f"{_SCENARIOS}, as the gym has them. Repeatable.")
def gym_worker(
    db: str, db_password_command: str | None, at_once: int, scenarios: tuple[Path, ...]
) -> None:
    """Run rollouts of a local gym in PostgreSQL, beside any number of other workers.

    GYMTUI_JUDGE_KEY is the API key of the gym's judge model; GYMTUI_GYM_DB stands for --db.
    """
    from gymtui.gym.engine.worker_process import CannotWorkError, work

    place = place_of(db, db_password_command)
    if isinstance(place, Path) or not is_shared(db):
        fail("a worker needs the gym's database: --db postgresql://…")
    told = f"working for {clean(place.name)}, {at_once} rollouts at a time"
    try:
        work(
            place,
            at_once=at_once,
            judge_key=os.environ.get("GYMTUI_JUDGE_KEY", ""),
            scenarios=scenarios,
            ready=lambda: click.echo(told, err=True),
        )
    except CannotWorkError as error:
        fail(str(error))
