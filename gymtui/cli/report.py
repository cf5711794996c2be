"""`gymtui report`: runs written up for other people, as Markdown or HTML, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from gymtui import __version__
from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Garbled, NotFound
from gymtui.cli.gym_access import GymReader, gather_few, load_runs_and_rollouts, with_gym
from gymtui.cli.reporting import html, markdown
from gymtui.cli.reporting.blocks import ReportOrigin
from gymtui.cli.reporting.contents import report_contents
from gymtui.cli.reporting.document import report_document
from gymtui.cli.reporting.failures import count_failures
from gymtui.cli.reporting.run_facts import facts_of
from gymtui.config.settings import Settings
from gymtui.core.json_output import json_text
from gymtui.core.paths import beside
from gymtui.core.urls import without_login
from gymtui.session.artifacts import ArtifactLoader, TooLargeError
from gymtui.session.baseline import read_baseline
from gymtui.store.history import journal_reader
from gymtui.store.history.journal_place import Place, local_path
from gymtui.store.phases import is_finished
from gymtui.store.stats.tool_errors import count_tool_uses
from gymtui.store.stats.trend import trend
from gymtui.store.store import Store


def render_report(
    settings: Settings,
    run_ids: Sequence[str],
    form: str,
    *,
    journal: Place,
    now: datetime,
    usage: bool = False,
    baseline: str | None = None,
) -> str:
    """A report.

    Args:
        form: `markdown`, `html` or `json`.
        now: The local time, aware, in UTC.
        usage: Whether the artifacts of all rollouts are read, for tokens and cost.
        baseline: The run that the others are compared with; None for the one that was chosen in the
            dashboard, if the gym still has it.
    """
    wanted = list(dict.fromkeys(run_ids))

    async def fetch(client: Endpoints) -> tuple[GymReader, list[str], str | None]:
        reader = GymReader(client)
        reader.take_notes(journal)
        found = await load_runs_and_rollouts(reader, settings, wanted)
        against = await _baseline(reader, settings, journal, baseline)
        if usage:
            await read_artifacts(client, settings, reader.store, found)
        return reader, found, against

    reader, wanted, against = with_gym(settings, fetch)
    wanted.sort(key=lambda run_id: run_id != against)
    seen = journal_reader.observations(journal, wanted)
    server_now = reader.clock.now()
    failures, together = count_failures(reader.store, wanted)
    runs = [
        facts_of(reader.view(i), reader.store.rollouts_of(i), seen.get(i, ()), server_now)
        for i in wanted
    ]
    compared = (against, reader.view(against).summary) if against is not None else None
    along = trend([(run.run_id, run.view.summary) for run in runs], compared)
    made = ReportOrigin(now, without_login(settings.base_url), __version__)
    if form == "json":
        figures = report_document(runs, together, failures, made, along)
        return f"{json_text(figures, indent=2, ascii_only=False)}\n"
    written_in = {"markdown": markdown.render_markdown, "html": html.render_html}[form]
    return written_in(report_contents(runs, together, failures, made, along))


async def _baseline(
    reader: GymReader, settings: Settings, journal: Place, named: str | None
) -> str | None:
    chosen = named or read_baseline(beside(local_path(journal), "baseline"))
    if chosen is None:
        return None
    try:
        return (await load_runs_and_rollouts(reader, settings, [chosen]))[0]
    except NotFound:
        if named is not None:
            raise
        return None


def finished_rollouts(store: Store, run_ids: Iterable[str]) -> list[str]:
    """The ids of the runs' rollouts that have ended, so that they may have artifacts."""
    return [
        row.rollout_id
        for run_id in run_ids
        for row in store.rollouts_of(run_id)
        if row.rollout is not None and is_finished(row.rollout)
    ]


async def read_artifacts(
    client: Endpoints, settings: Settings, store: Store, run_ids: Iterable[str]
) -> None:
    """Keep what rollouts used and called; artifacts that are not there, or none, do not say it."""
    cap_bytes = settings.artifact_limit_mib << 20
    loader = ArtifactLoader(client, cap_bytes=cap_bytes, cache_bytes=0)

    async def one(rollout_id: str) -> None:
        try:
            transcript = (await loader.get(rollout_id)).transcript
        except (NotFound, Garbled, TooLargeError):
            return
        store.note_artifacts(rollout_id, transcript.usage, count_tool_uses(transcript))

    await gather_few(partial(one, rollout_id) for rollout_id in finished_rollouts(store, run_ids))
