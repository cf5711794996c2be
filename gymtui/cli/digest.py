"""`gymtui digest`: what happened since a time, for people, for a chat, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.cli.documents import run_document
from gymtui.cli.gym_access import UNSTEADY, GymReader, with_gym
from gymtui.cli.options import tell
from gymtui.config.settings import Settings
from gymtui.core.text import clean
from gymtui.store.digest import Digest, digest
from gymtui.store.formats import of_many, p_words, percent
from gymtui.store.history.journal_place import Place
from gymtui.store.lists.columns import RunView, pass_rate

FAILING_SHOWN = 5


def read_digest(settings: Settings, journal: Place, since: datetime) -> Digest:

    async def fetch(client: Endpoints) -> Digest:
        reader = GymReader(client)
        if not await reader.every_run(settings.source, settings.scenario):
            tell(UNSTEADY)
        reader.remember(journal)
        store = reader.store
        # Of those whose numbers are known for good, only what ended since is listed once more.
        wanted = []
        for run_id, row in store.runs.items():
            summary = store.summary(run_id)
            ended = summary.ended_at if summary is not None else None
            if row.active or ended is None or ended > since:
                wanted.append(run_id)
        denied = await reader.rollouts_allowed(wanted)
        if denied:
            tell(f"forbidden (403): the numbers of {of_many(len(denied), 'run')}")
        views = [reader.view(run_id) for run_id in store.runs]
        known = [run_id for run_id in store.runs if store.knows_rollouts_of(run_id)]
        rollouts = {run_id: store.rollouts_of(run_id) for run_id in known}
        return digest(views, rollouts, since)

    return with_gym(settings, fetch)


def digest_lines(report: Digest, *, markdown: bool) -> Iterator[str]:
    """The digest in clean lines; in Markdown, names are code."""

    def name(text: str) -> str:
        cleaned = clean(text)
        return f"`{cleaned.replace('`', chr(39))}`" if markdown else cleaned

    def rate(run: RunView) -> str:
        passed, summary = pass_rate(run), run.summary
        if passed is None or summary is None:
            return "no verdicts"
        return f"pass@1 {percent(passed)} of {summary.verdicts}"

    bullet = "- " if markdown else "  "
    line = report.line[0].upper() + report.line[1:] if markdown else report.line
    yield f"**{line}**" if markdown else line
    if markdown and report:
        yield ""
    worse = {regression.run.name: regression for regression in report.regressed}
    for run in report.finished:
        sentence = f"{bullet}{name(run.name)} finished: {rate(run)}"
        found = worse.get(run.name)
        if found is not None:
            sentence += f", regressed from {rate(found.before)} of {name(found.before.name)}"
            sentence += f" ({p_words(found.p)})"
        if run.summary is not None and run.summary.errors:
            sentence += f", {of_many(run.summary.errors, 'error')}"
        yield sentence
    ended = {run.name for run in report.finished}
    left = [(run_id, count) for run_id, count in report.failing.items() if run_id not in ended]
    for run_id, count in left[:FAILING_SHOWN]:
        yield f"{bullet}{name(run_id)}: {of_many(count, 'error')}"
    for run in report.active:
        yield f"{bullet}{name(run.name)} is active: {rate(run)}"
    if report.unread:
        yield f"{bullet}{of_many(report.unread, 'run')} without times: not counted"


def digest_document(found: Digest) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "line": found.line,
        "began": [run.name for run in found.began],
        "finished": [run_document(run) for run in found.finished],
        "regressed": [
            {"run_id": each.run.name, "before": each.before.name, "p": each.p}
            for each in found.regressed
        ],
        "errors": {str(cause): count for cause, count in found.errors.items()},
        "failing": dict(found.failing),
        "active": [run.name for run in found.active],
        "unread": found.unread,
    }
