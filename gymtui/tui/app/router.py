"""Which screen a route leads to; each is imported when it is first gone to.

The first frame needs one screen. What lies behind it is imported in the background as soon as there
is time (`preload_screens`), so that the first to go there does not wait for it either.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from textual.screen import Screen

from gymtui.tui.context import routes
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenMatrix, Route

_MODULES = (
    "rollouts.screen",
    "rollouts.several_screen",
    "active.screen",
    "matrix.screen",
    "matrix.runs_screen",
    "matrix.comparison_screen",
    "transcript.screen",
    "search.screen",
    "charts.screen",
    "compare.screen",
    "launch.screen",
    "help.screen",
    "describe.screen",
    "actions.screen",
    "rules.screen",
    "app.confirm",
    "kit.pick",
)


def preload_screens() -> None:
    """Import every screen; for a thread of its own."""
    for name in _MODULES:
        importlib.import_module(f"gymtui.tui.{name}")


def screen_of(route: Route) -> Screen[Any]:
    """Make the screen that a route leads to."""
    match route:
        case routes.OpenRun(run_id):
            from gymtui.tui.rollouts.screen import RolloutsScreen

            return RolloutsScreen(run_id)
        case routes.OpenRollouts((run_id,), wanted):
            from gymtui.tui.rollouts.screen import RolloutsScreen

            return RolloutsScreen(run_id, wanted)
        case routes.OpenRollouts(run_ids, wanted):
            from gymtui.tui.rollouts.several_screen import SeveralRolloutsScreen

            return SeveralRolloutsScreen(run_ids, wanted)
        case routes.OpenActive():
            from gymtui.tui.active.screen import ActiveScreen

            return ActiveScreen()
        case routes.OpenMatrix():
            return _matrix(route)
        case routes.OpenTranscript(run_id, rollout_id, opened_from, hits):
            from gymtui.tui.transcript.screen import TranscriptScreen

            return TranscriptScreen(run_id, rollout_id, opened_from, hits)
        case routes.OpenCharts():
            from gymtui.tui.charts.screen import ChartsScreen

            return ChartsScreen(route)
        case routes.OpenSearch():
            from gymtui.tui.search.screen import SearchScreen

            return SearchScreen(route)
        case routes.CompareRuns(run_ids=run_ids):
            from gymtui.tui.matrix.comparison_screen import CompareRunsScreen

            return CompareRunsScreen(run_ids)
        case routes.CompareRollouts(chosen):
            from gymtui.tui.compare.screen import CompareScreen

            first, second = chosen
            return CompareScreen(first, second)
        case routes.Describe():
            from gymtui.tui.describe.screen import DescribeScreen

            return DescribeScreen(route)
        case routes.OpenLaunch():
            from gymtui.tui.launch.screen import LaunchScreen

            return LaunchScreen(route)
        case routes.OpenRules():
            from gymtui.tui.rules.screen import RulesScreen

            return RulesScreen()
        case routes.OpenActions():
            from gymtui.tui.actions.screen import ActionsScreen

            return ActionsScreen()


def _matrix(route: OpenMatrix) -> Screen[Any]:
    if len(route.run_ids) > 1 and not route.combined:
        from gymtui.tui.matrix.runs_screen import RunsMatrixScreen

        return RunsMatrixScreen(route.run_ids)
    from gymtui.tui.matrix.screen import MatrixScreen

    first, *others = route.run_ids
    return MatrixScreen(first, route.task, related=others)


def help_screen(scopes: Sequence[Scope]) -> Screen[Any]:
    """Make the screen of the keys, those of these scopes first."""
    from gymtui.tui.help.screen import HelpScreen

    return HelpScreen(scopes)
