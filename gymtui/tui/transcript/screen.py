"""One rollout: what the agent read, said and did; until it has finished, how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path

from textual.worker import Worker

from gymtui.api.errors import Forbidden, GymError, NotFound
from gymtui.core.replacement import replace
from gymtui.core.text import clean, fit, width
from gymtui.poll.view import View
from gymtui.session.artifacts import Artifacts, TooLargeError
from gymtui.session.hit_list import HitList
from gymtui.session.rollout_ref import RolloutList, RolloutRef
from gymtui.store import formats, record_files
from gymtui.store.delta import Delta
from gymtui.store.formats import of_many
from gymtui.store.outcome import ACTIVE
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_result import rollout_result
from gymtui.transcript.artifact_files import FileProblem
from gymtui.tui.context.routes import CompareRollouts, OpenSearch
from gymtui.tui.context.selection import Selection
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.breadcrumb import LEAST_NAME_CELLS, runs_crumb
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.run_marks import run_marks
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.transcript.reader_screen import NOTHING_READ, ReaderScreen
from gymtui.tui.transcript.download_size import format_cap, progress_cell
from gymtui.tui.transcript.headline import headline


class TranscriptScreen(ReaderScreen):
    """The transcript of one rollout.

    In the list that it was opened from, keys go to the rollouts beside it, which then stand under
    that list's cursor; in a list of hits `n` and `N` go on.
    """

    def __init__(
        self,
        run_id: str,
        rollout_id: str,
        opened_from: RolloutList | None = None,
        hits: HitList | None = None,
    ) -> None:
        super().__init__()
        self._hits = hits
        self._pending_hit = hits.hit() if hits is not None else None
        self.run_id = run_id
        self.rollout_id = rollout_id
        self._opened_from = opened_from
        self._last_neighbours: Sequence[str] = ()
        self._last_neighbours = self._neighbours()
        self._redacted = False
        self._download: Worker[None] | None = None
        self._too_large = False
        self._saving: Path | None = None

    def on_mount(self) -> None:
        self._fetch()

    @property
    def _row(self) -> RolloutRow | None:
        return self.session.store.rollouts.get(self.rollout_id)

    def selection(self) -> Selection:
        return Selection((self.run_id,), (self.rollout_id,))

    def breadcrumb(self) -> Cell:
        name = self.fit_name(self.run_id, beside=3 + width(clean(self.rollout_id)))
        here = self.fit_name(self.rollout_id, beside=3 + LEAST_NAME_CELLS)
        run = (StyledText(name, target=f"run:{self.run_id}"), *run_marks(self.session, self.run_id))
        return (*runs_crumb(), *run, StyledText(" › ", "muted"), StyledText(here, "strong"))

    def name_for_files(self) -> str:
        return self.rollout_id

    def rollout_row(self) -> RolloutRow | None:
        row = self._row
        return None if row is None or row.rollout is None else row

    def poll_target(self, view: View) -> View:
        """The run's rollouts are asked for, so that this one's phase and step move."""
        return replace(view, open_run=self.run_id)

    def changed(self, delta: Delta) -> None:
        """Show how it stands; once it has finished, ask for its artifacts again."""
        if not self.is_mounted or (delta and self.rollout_id not in delta.rollouts):
            return
        self.summarise()
        artifacts = self._artifacts
        if artifacts is not None:
            if self._with_result(artifacts) is not artifacts:
                self.show_artifacts(artifacts)
        elif self._download is None and not self._too_large:
            if self._is_unfinished():
                self._show_waiting()
            elif self.rollout_id in delta.rollouts:
                self._fetch()

    def _is_unfinished(self) -> bool:
        row = self._row
        return row is not None and row.outcome in ACTIVE

    def headline(self, cells: int) -> Cell:
        return headline(self._row, self.transcript, self._place(), self.services.now(), cells)

    def _place(self) -> Cell:
        """`3 of 24`: which rollout this is of the list that it was opened from, or which hit."""
        if self._hits is not None:
            number, hits = self._hits.hit_place()
            return (StyledText(f"hit {number:,} of {hits:,}", "muted"),)
        if self._opened_from is None:
            return ()
        now = self._opened_from.rollout_ids()
        place = now.index(self.rollout_id) + 1 if self.rollout_id in now else None
        return (StyledText(f"{formats.count(place)} of {len(now):,}", "muted"),)

    # -- the artifacts' way here -----------------------------------------------------------

    def show_artifacts(self, artifacts: Artifacts) -> None:
        super().show_artifacts(self._with_result(artifacts))
        self._go_to_hit()

    def _go_to_hit(self) -> None:
        """Go to the hit that one was on the way to."""
        if self._hits is None or self._pending_hit is None or self._artifacts is None:
            return
        found, self._pending_hit = self._pending_hit, None
        if found.ref.rollout_id == self.rollout_id:
            self.go_to_match(found.hit.match, self._hits.phrase)

    def action_match(self, step: int) -> None:
        """Go to the next or previous hit of the list it was opened from, else match."""
        hits = self._hits
        if hits is None or self._search.typed not in ("", hits.phrase):
            super().action_match(step)
            return
        found = hits.step_hit(step)
        if found is None:
            refuse(self, "end of the hits" if step > 0 else "start of the hits")
            return
        self._pending_hit = found
        if found.ref.rollout_id == self.rollout_id:
            self._go_to_hit()
        else:
            self._open_rollout(found.ref)

    def action_search(self) -> None:
        if self._hits is not None:
            self.services.go_back(quit_at_end=False)
            return
        listed = self._opened_from.rollout_ids() if self._opened_from is not None else ()
        rows = self.session.store.rollouts
        runs = {rows[name].run_id: None for name in listed if name in rows} or {self.run_id: None}
        only = tuple(listed) or None
        scope = of_many(len(only), "rollout") if only is not None else self.run_id
        self.services.navigate(OpenSearch(tuple(runs), only, scope))

    def _with_result(self, artifacts: Artifacts) -> Artifacts:
        """The artifacts, and what the rollout's record says of its end, which they do not hold."""
        row = self._row
        result = rollout_result(row.rollout, row.outcome) if row and row.rollout else None
        transcript = artifacts.transcript
        if result == transcript.result:
            return artifacts
        return replace(artifacts, transcript=replace(transcript, result=result))

    def _fetch(self) -> None:
        loader, rollout_id = self.session.transcripts.loader, self.rollout_id
        redacted = self._redacted
        found = loader.kept(rollout_id, redacted=redacted)
        if found is not None:
            self.show_artifacts(found)
            return

        async def fetch() -> None:
            # What cancels this has already put `_download` right.
            try:
                artifacts = await loader.get(
                    rollout_id, redacted=redacted, on_progress=self._show_progress
                )
            except TooLargeError as error:
                self._download = None
                self._too_large = True
                words = f"The artifacts are larger than {format_cap(error.cap_bytes)}. "
                self.show_message((StyledText(words, "warning"), *self._save_instead()))
            except GymError as error:
                self._download = None
                self._show_error(error)
            else:
                self._download = None
                self.show_artifacts(artifacts)

        self._too_large = False
        self.show_message((StyledText("downloading the artifacts …", "muted"),))
        self._begin(fetch())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._download = self.run_worker(
            work, group="artifacts", exclusive=True, exit_on_error=True
        )

    @property
    def _stop_key(self) -> str:
        return self.services.keys.label("back")

    def _show_progress(self, received: int, announced: int | None) -> None:
        """Say how far the download is; small ones are there before it could be read."""
        into = f"  into {self._saving.name}" if self._saving else ""
        words = StyledText(f"{into}  · {self._stop_key} stops", "muted")
        self.show_message((*progress_cell(received, announced), words))

    def _show_error(self, error: GymError) -> None:
        """There are none: the rollout still runs, or something is wrong."""
        if self._artifacts is not None:
            self._redacted = self._artifacts.redacted
            self.show_message(())
            self.services.notify(f"could not download: {error.line}", severity="warning")
        elif isinstance(error, NotFound) and self._is_unfinished():
            self._show_waiting()
        elif isinstance(error, NotFound):
            self.show_message(
                (StyledText(formats.why_no_artifacts(self._row, "this rollout"), "warning"),)
            )
        else:
            forbidden = isinstance(error, Forbidden)
            what = "artifacts" if forbidden else "could not download the artifacts"
            again = f" · {self.services.keys.label('refresh')} retries"
            # However long the reason is, what can be done about it is seen.
            room = self.size.width - 2 - width(again)
            why = fit(f"{what}: {error.line}", room, cut="end")
            self.show_message((StyledText(f"{why}{again}", "warning"),))

    def _save_instead(self) -> Cell:
        """What can be done about artifacts that are too large."""
        key = self.services.keys.label("export")
        return (StyledText(key, "key"), StyledText(" saves them to a file."))

    def _show_waiting(self) -> None:
        row = self._row
        if row is None or row.rollout is None:
            return
        step = StyledText(f"  step {formats.steps(row.rollout)}", "strong")
        words = "   Not finished yet; the transcript opens here when it is."
        self.show_message((*outcome_text.state_cell(row), step, StyledText(words, "muted")))

    def action_refresh_now(self) -> None:
        super().action_refresh_now()
        if self._artifacts is None and self._download is None:
            self._fetch()

    def action_redact(self) -> None:
        if self.session.settings.directories:
            refuse(self, "files are not redacted")
            return
        if self._download is not None:
            refuse(self, "already downloading the artifacts")
            return
        if self._artifacts is None:
            refuse(self, NOTHING_READ)
            return
        self._redacted = not self._redacted
        self._fetch()

    def undo(self) -> bool:
        if self._download is not None:
            self._download.cancel()
            self._download = None
            if self._artifacts is not None:
                self._redacted = self._artifacts.redacted
                self.show_message(())
            elif self._too_large:
                self._saving = None
                self.show_message(
                    (StyledText("stopped, nothing saved. ", "muted"), *self._save_instead())
                )
            else:
                again = f"{self.services.keys.label('refresh')} downloads the artifacts again"
                self.show_message((StyledText(f"stopped · {again}", "muted"),))
            return True
        return super().undo()

    def action_export(self) -> None:
        """Save what is read; what is too large to be read, straight from the gym."""
        if self._too_large and self._download is not None:
            self.services.notify(f"already saving · {self._stop_key} stops", timeout=3)
        elif self._too_large:
            self._ask_for_file(".json")
        else:
            super().action_export()

    def _save(self, path: Path) -> None:
        if not self._too_large:
            super()._save(path)
            return

        row = self.rollout_row()

        async def save() -> None:
            try:
                await self.session.transcripts.loader.save(
                    self.rollout_id, path, redacted=self._redacted, on_progress=self._show_progress
                )
                if row is not None:
                    await asyncio.to_thread(record_files.write, path, row)
            except FileProblem as problem:
                why = str(problem)
            except GymError as error:
                why = error.line
            except OSError as error:
                why = error.strerror or str(error)
            else:
                why = ""
            self._download = self._saving = None
            if why:
                self.show_message(
                    (StyledText(f"not saved: {why}. ", "warning"), *self._save_instead())
                )
            else:
                size = (await asyncio.to_thread(path.stat)).st_size
                self.show_message((StyledText(f"saved {size:,} bytes to {path}"),))

        self._saving = path
        self.show_message(
            (StyledText(f"saving into {path.name} …  · {self._stop_key} stops", "muted"),)
        )
        self._begin(save())

    async def action_files(self) -> None:
        refuse(self, "only transcripts from disk have a file list")

    # -- beside it -------------------------------------------------------------------------

    def action_compare(self) -> None:
        self.services.navigate(CompareRollouts((RolloutRef(self.run_id, self.rollout_id),)))

    def _neighbours(self) -> Sequence[str]:
        """The list as it is now; while this rollout is not in it any more, as it was last."""
        now = self._opened_from.rollout_ids() if self._opened_from is not None else ()
        if self.rollout_id in now:
            self._last_neighbours = now
        return self._last_neighbours

    def go_to_neighbour(self, step: int) -> bool:
        beside = self._neighbours()
        if self._opened_from is None or self.rollout_id not in beside:
            return False
        place = beside.index(self.rollout_id) + step
        if not 0 <= place < len(beside):
            return False
        row = self.session.store.rollouts.get(beside[place])
        run_id = row.run_id if row is not None else self.run_id
        self._opened_from.select_rollout(beside[place])
        self._pending_hit = self._hits.hit() if self._hits is not None else None
        self._open_rollout(RolloutRef(run_id, beside[place]))
        return True

    def _open_rollout(self, ref: RolloutRef) -> None:
        """Read another rollout."""
        if self._download is not None:
            self._download.cancel()
            self._download = None
        self.run_id, self.rollout_id = ref.run_id, ref.rollout_id
        self._raw = self._redacted = self._too_large = False
        self._saving = None
        self.drop_artifacts()
        self.show_frame()
        self.services.view_changed()
        self._fetch()
        self.summarise()
