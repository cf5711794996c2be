"""Where keys lead from the runs that are chosen in the list: a route, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gymtui.config.schema import SOURCES
from gymtui.session.session import Session
from gymtui.store.formats import of_many
from gymtui.store.stats.checkpoints import checkpoint_of
from gymtui.tui.context.routes import CompareRuns, OpenCharts, OpenMatrix, OpenSearch, Route
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.screen import GymScreen

MATRIX_RUNS = 50
"""Runs that a matrix is made of at most; a group may have thousands."""


def _readable(session: Session, run_ids: Iterable[str]) -> list[str]:
    """Those of some runs that are there and could be read."""
    runs = session.store.runs
    return [i for i in run_ids if i in runs and runs[i].malformed is None]


def open_matrix(screen: GymScreen, run_ids: Sequence[str]) -> None:
    """Show one run as tasks by attempts, or several as tasks by runs."""
    session, services = screen.session, screen.services
    chosen = _readable(session, run_ids)
    if not chosen:
        unread = "a run that could not be read has no matrix"
        refuse(screen, unread if run_ids else "no run to show a matrix of")
        return
    if len(chosen) > MATRIX_RUNS:
        services.notify(f"the latest {MATRIX_RUNS} of {len(chosen)} runs", timeout=3)
        chosen = chosen[-MATRIX_RUNS:]
    family = session.launches.family(chosen[0]) if len(chosen) > 1 else ()
    if not set(chosen) <= set(family):
        services.navigate(OpenMatrix(session.baseline.first(chosen)))
        return
    # A run and its reruns may be meant as one, or to be compared.
    choices = [
        Choice("one", "combined: tasks × attempts", is_current=True),
        Choice("beside", "side by side: tasks × runs"),
    ]

    def answered(how: str | None) -> None:
        if how == "one":
            ordered = [run for run in family if run in chosen]
            services.navigate(OpenMatrix(tuple(ordered), combined=True))
        elif how is not None:
            services.navigate(OpenMatrix(tuple(chosen)))

    screen.app.push_screen(MenuScreen("a run and its reruns", choices), answered)


def choose_source(screen: GymScreen) -> None:
    """Choose which source's runs to list."""
    settings = screen.session.settings
    if settings.directories:
        refuse(screen, "files have no sources to choose from")
        return
    choices = [Choice(source, source, source == settings.source) for source in SOURCES]
    screen.app.push_screen(MenuScreen("source of the runs", choices), screen.services.switch_source)


def charts_route(session: Session, run_ids: Sequence[str]) -> Route | str:
    """The charts of some runs; of one alone, of all checkpoints of its series."""
    chosen = _readable(session, run_ids)
    if not chosen:
        return "no run to chart"
    if len(chosen) == 1 and (own := checkpoint_of(chosen[0])) is not None:
        series = ((run_id, checkpoint_of(run_id)) for run_id in session.store.runs)
        chosen = [run_id for run_id, found in series if found and found[0] == own[0]]
    return OpenCharts(tuple(chosen))


def search_route(session: Session, run_ids: Sequence[str], what: str) -> Route | str:
    """A search in the transcripts of some runs, of which one is called `what`."""
    chosen = tuple(_readable(session, run_ids))
    if not chosen:
        return "no run to search"
    scope = chosen[0] if len(chosen) == 1 else of_many(len(chosen), what)
    return OpenSearch(chosen, None, scope)


def comparison_route(session: Session, run_ids: Sequence[str], baseline_key: str) -> Route | str:
    """A comparison of runs, with the baseline where there is one, else with the oldest of them.

    A run alone is compared with the baseline, else with the checkpoint before it.
    """
    chosen = _readable(session, run_ids)
    began = {i: summary.created_at for i in chosen if (summary := session.store.summary(i))}
    known = sorted((at, i) for i, at in began.items() if at is not None)
    if len(chosen) > 1:
        if len(known) == len(chosen):
            chosen = [run_id for _, run_id in known]
        return CompareRuns(session.baseline.first(chosen))
    if chosen and (before := session.baseline.compared_with(chosen[0])) is not None:
        return CompareRuns((before, chosen[0]))
    if len(run_ids) > 1:
        return "runs that could not be read cannot be compared"
    return f"mark two or more runs to compare, or choose a baseline with {baseline_key}"
