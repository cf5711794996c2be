"""The ways to the screens that are not there from the start: each is imported when it is opened.

The first frame needs one screen. What lies behind it is read in the background as soon as there is
time (`unlock`), so that the first to open a door does not wait for it either.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gymtui.tui import screens

if TYPE_CHECKING:
    from gymtui.session.confirmation import Question
    from gymtui.tui.app.app import GymtuiApp
    from gymtui.tui.context.keymap import Scope
    from gymtui.tui.runtime.guard import GuardedApp


def unlock() -> None:
    """Import every screen; for a thread of its own."""
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)


def rollouts(app: GuardedApp[Any], run_id: str) -> None:
    """Show a run's rollouts."""
    from gymtui.tui.rollouts.screen import RolloutsScreen

    app.push_screen(RolloutsScreen(run_id))


def active(app: GuardedApp[Any]) -> None:
    """Show every running rollout."""
    from gymtui.tui.active.screen import ActiveScreen

    app.push_screen(ActiveScreen())


def matrix(app: GuardedApp[Any], run_ids: Sequence[str], *, as_one: bool = False) -> None:
    """Show one run as tasks by attempts, several as tasks by runs.

    Args:
        app: The app.
        run_ids: The runs.
        as_one: Whether several are a run and its reruns, and their attempts one run's.
    """
    if len(run_ids) > 1 and not as_one:
        from gymtui.tui.matrix.runs_screen import AcrossScreen

        app.push_screen(AcrossScreen(run_ids))
    elif run_ids:
        from gymtui.tui.matrix.screen import MatrixScreen

        app.push_screen(MatrixScreen(run_ids[0], along=run_ids[1:]))


def comparison(app: GuardedApp[Any], run_ids: Sequence[str]) -> None:
    """Show what runs differ in."""
    from gymtui.tui.matrix.comparison_screen import CompareRunsScreen

    app.push_screen(CompareRunsScreen(run_ids))


def description(app: GuardedApp[Any], name: str, raw: bytes, malformed: str | None) -> None:
    """Show every field of an item as received.

    Args:
        app: The app.
        name: The item's id.
        raw: Its bytes.
        malformed: Why it could not be read, if so.
    """
    from gymtui.tui.describe.screen import DescribeScreen

    app.push_screen(DescribeScreen(name, raw, malformed))


def confirmation(
    app: GuardedApp[Any], question: Question, answered: Callable[[bool | None], None]
) -> None:
    """Ask before something is destroyed.

    Args:
        app: The app.
        question: What is asked.
        answered: Told whether to do it.
    """
    from gymtui.tui.kit.confirm import ConfirmScreen

    app.push_screen(ConfirmScreen(question), answered)


def actions(app: GymtuiApp) -> None:
    """Show what was cancelled and deleted, run by run."""
    from gymtui.tui.actions.screen import ActionsScreen

    app.push_screen(ActionsScreen())


def launch(
    app: GymtuiApp,
    run_id: str | None = None,
    *,
    again: bool = False,
    tasks: Sequence[str] | None = None,
) -> None:
    """Show the launch form, unless nothing is to be changed.

    Args:
        app: The app.
        run_id: The run that it starts from, or None.
        again: Whether it is to be a rerun of that.
        tasks: Of a rerun, its tasks; None for those that went wrong.
    """
    if app.settings.read_only:
        app.notify("read-only: nothing is launched", severity="warning")
        return
    from gymtui.tui.launch.screen import LaunchScreen, Like

    chosen = None if tasks is None else tuple(tasks)
    app.push_screen(LaunchScreen(None if run_id is None else Like(run_id, again, chosen)))


def help_(app: GuardedApp[Any], scopes: Sequence[Scope]) -> None:
    """Show the keys, those of these scopes first."""
    from gymtui.tui.help.screen import HelpScreen

    app.push_screen(HelpScreen(scopes))
