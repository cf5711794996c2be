"""A phrase in many transcripts: a line a hit, each of which opens its transcript there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from itertools import islice

from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker

from gymtui.session.hit_list import FoundHit, FoundHits
from gymtui.session.transcript_search import (
    MOST_BYTES,
    SearchProgress,
    TranscriptSearch,
    rollouts_of,
    target_of,
)
from gymtui.store import formats
from gymtui.store.delta import Delta
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.records import RolloutRow
from gymtui.transcript.hits import SearchTerms, parse_search
from gymtui.transcript.search import PatternError
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenSearch, OpenTranscript
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part, room_beside
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.search.columns import HITS, HitRow, hit_columns, snippet_cell, speaker_cell

MOST_HITS = 10_000
"""Hits that are listed; a search ends there."""
AT_ONCE = 250
"""Hits taken in before others get their turn: a few ms."""
_SHOWN_S = 0.05
"""How often what was found is shown."""
_TERMS = ("tool:", "error:", "role:assistant", "role:system", "role:tool", "role:user")


class SearchScreen(ListScreen[HitRow], scope=Scope.SEARCH):
    """One search: what was typed, how far it is, and what was found."""

    layout_name = "search"
    lines_around = (2, 2)
    prompt = "phrase or /regex/, with tool:NAME error: role:tool"

    def __init__(self, route: OpenSearch) -> None:
        super().__init__(HITS, "found")
        self._route = route
        self._typed = ""
        self._wanted_hits: SearchTerms | None = None
        self._work: Worker[None] | None = None
        self._progress: SearchProgress | None = None
        self._most_bytes = MOST_BYTES
        self._found: list[HitRow] = []
        self._due: Timer | None = None
        self._was_shown = False
        self.empty_columns = frozenset() if len(route.run_ids) > 1 else frozenset({"run"})

    def columns(self) -> tuple[Column[HitRow], ...]:
        return hit_columns()

    def breadcrumb(self) -> Cell:
        words = StyledText(f"search in {self._route.scope}", "strong")
        return (*runs_crumb(), words)

    def on_screen_resume(self) -> None:
        if self.ready and not self._was_shown:
            self._was_shown = True
            self.summarise()
            if self._route.typed:
                self._begin(self._route.typed)
            else:
                self.action_filter()

    @property
    def is_reading(self) -> bool:
        """Whether it is still searched: until then hits stand as they were found."""
        return self._work is not None and self._rows.order.name != "found"

    def changed(self, delta: Delta) -> None:
        """What is found depends on no poll."""

    def dim(self, dimmed: bool) -> None:
        """Hits do not grow old."""

    def active_run_of(self, record: HitRow) -> None:
        """Not one of them."""

    def empty_text(self) -> str:
        if self._progress is None:
            return "searching …" if self._work is not None else "type a phrase"
        return f"no hits in {self._route.scope}" if self._work is None else "no hits yet"

    def summarise(self) -> None:
        if not self.ready:
            return
        remarks: Cell = (StyledText(self.hint, "warning"),) if self.hint else ()
        words = join_fitting(self._query_parts(), room_beside(remarks, self.size.width))
        progress = join_fitting(self._progress_parts(), self.size.width - 2)
        self.lines("summary").show([Line(words, remarks), Line(progress)])
        self._detail()

    def _query_parts(self) -> Sequence[LinePart]:
        if not self._typed:
            return (part("search transcripts", "strong"),)
        parts = [part(self._typed, "accent")]
        if records := self._rows.records:
            hits = formats.of_many(len(records), "hit")
            rollouts = len({hit.row.rollout_id for hit in records.values()})
            parts.append(part(hits, "strong"))
            among = formats.of_many(rollouts, "rollout")
            parts.append(part(f"in {among}", "muted", 1))
        return parts

    def _progress_parts(self) -> Sequence[LinePart]:
        progress = self._progress
        if progress is None:
            return ()
        parts = [part(progress.words, "muted")]
        if progress.received:
            size = f"{progress.received / 1e6:.1f} MB downloaded"
            parts.append(part(size, "muted", 2))
        if self._work is not None:
            stop = f"{self.services.keys.label('back')} stops"
            parts.append(part(stop, "muted", 1))
        elif progress.problem:
            parts.append(part(progress.problem, "warning"))
        elif progress.left:
            more = f"{self.services.keys.label('search-more')} downloads more"
            parts.append(part(more, "warning"))
        return parts

    def _detail(self) -> None:
        hit, lines = self.cursor_record, list[Cell]()
        if hit is not None:
            turn = StyledText(f"  turn {hit.found.hit.match.turn + 1}  ", "muted")
            several = len(self._route.run_ids) > 1
            where = (hit.row.run_id if several else "", hit.task_id or "")
            rest = "".join(f"  {name}" for name in where if name)
            name = StyledText(f"{hit.row.rollout_id}  ", "strong")
            state = outcome_text.state_cell(hit.row)
            lines.append(
                (name, *state, turn, *speaker_cell(hit.found.hit), StyledText(rest, "muted"))
            )
            lines.append(snippet_cell(hit.found.hit, self.size.width - 2))
        self.show_details(lines)

    # -- what is typed ---------------------------------------------------------------------

    def filter_text(self) -> str:
        return self._typed

    def completions(self, text: str) -> Sequence[str]:
        before, space, word = text.rpartition(" ")
        return [f"{before}{space}{term}" for term in _TERMS if word and term.startswith(word)]

    def apply_filter(self, text: str) -> str | None:
        """See whether what is typed can be searched for; that begins when all of it is."""
        try:
            parse_search(text)
        except PatternError as error:
            self.mistake_range = range(len(text))
            return str(error)
        self.mistake_range = range(0)
        return None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        typed = event.value.strip()
        if self.hint is None and typed:
            self._begin(typed)

    def action_back(self) -> None:
        """Stop the search, else go back; out of the line as it was before."""
        if self.is_filtering:
            self.close_prompt()
            self.summarise()
            if self._typed:
                return
        super().action_back()

    def undo(self) -> bool:
        if self._work is not None:
            self._work.cancel()
            self._end_search("stopped")
            return True
        if self._grid.marks:
            self._grid.keep_marks(())
            return True
        return False

    # -- searching -------------------------------------------------------------------------

    def _begin(self, typed: str) -> None:
        wanted = parse_search(typed)
        if wanted.is_empty:
            refuse(self, "nothing to search for")
            return
        if self._work is not None:
            self._work.cancel()
        order, reverse = self._rows.order.name, self._rows.reverse
        self._rows = OrderedView(HITS, order, reverse=reverse)
        self._typed, self._wanted_hits, self._progress = typed, wanted, None
        self._found.clear()
        self._grid.keep_marks(())
        self._grid.cursor_id = None
        self._work = self.run_worker(self._search(wanted), group="search", exit_on_error=True)
        self._show_found()

    async def _search(self, wanted: SearchTerms) -> None:
        session, route = self.session, self._route
        rows = await rollouts_of(session, route.run_ids, route.rollout_ids)
        by_id = {row.rollout_id: row for row in rows}
        search = TranscriptSearch(
            session.transcripts.loader,
            session.transcripts.archive,
            session.transcripts.gym_name,
            map(target_of, rows),
            wanted,
            most_bytes=self._most_bytes,
        )
        self._progress = search.progress
        async with aclosing(search.hits()) as found:
            async for hits in found:
                await self._take_in_pieces(hits, by_id)
                if self._hit_count >= MOST_HITS:
                    search.progress.problem = f"ended at {MOST_HITS:,} hits"
                    break
        self._end_search("")

    @property
    def _hit_count(self) -> int:
        return len(self._rows.records) + len(self._found)

    async def _take_in_pieces(self, hits: FoundHits, rows: dict[str, RolloutRow]) -> None:
        """Take hits in, a few milliseconds of them at a time; one transcript may have thousands."""
        coming = iter(hits)
        while True:
            piece = [*islice(coming, min(AT_ONCE, MOST_HITS - self._hit_count))]
            self._take(piece, rows)
            await self.services.input_priority.yield_to_input()
            if len(piece) < AT_ONCE:
                return

    def _take(self, hits: Iterable[FoundHit], rows: dict[str, RolloutRow]) -> None:
        first = self._hit_count
        for number, found in enumerate(hits, first):
            self._found.append(
                HitRow(number, FoundHit(found.ref, found.hit.alone()), rows[found.ref.rollout_id])
            )
        if self._due is None:
            self._due = self.set_timer(_SHOWN_S, self._show_found)

    def _show_found(self) -> None:
        """Show what was found since it was shown last."""
        if self._due is not None:
            self._due.stop()
            self._due = None
        new = {str(hit.number): hit for hit in self._found}
        self._found.clear()
        self._rows.apply(new, (), self.services.now().timestamp())
        self._grid.empty = self.empty_text()
        self.show_rows()
        self.summarise()

    def _end_search(self, why: str) -> None:
        self._work = None
        if self._progress is not None and why:
            self._progress.problem = why
        self._show_found()

    def action_download_more(self) -> None:
        if self._progress is None or not self._progress.left or self._work is not None:
            refuse(self, "nothing was left out")
            return
        self._most_bytes += MOST_BYTES
        self._begin(self._typed)

    # -- the hits --------------------------------------------------------------------------

    def open_row(self, row_id: str) -> None:
        hit = self._rows.records.get(row_id)
        if hit is not None:
            ref = hit.found.ref
            self.services.navigate(OpenTranscript(ref.run_id, ref.rollout_id, self, self))

    @property
    def phrase(self) -> str:
        """What was looked for, as it is typed within one transcript."""
        return self._wanted_hits.typed if self._wanted_hits is not None else ""

    def hit(self) -> FoundHit | None:
        """The hit under the cursor."""
        return self.cursor_record.found if self.cursor_record is not None else None

    def step_hit(self, step: int) -> FoundHit | None:
        """Go to the next hit of the list, or the one before; None at its end."""
        at = self._grid.cursor_index
        if at is None or not 0 <= at + step < len(self._rows):
            return None
        self._grid.move_to(at + step)
        return self.hit()

    def hit_place(self) -> tuple[int, int]:
        """Which hit the cursor is on, from 1, and how many there are."""
        at = self._grid.cursor_index
        return (0 if at is None else at + 1), len(self._rows)

    def select_rollout(self, rollout_id: str) -> None:
        """Put the cursor on the first hit of a rollout, unless it is on one of it."""
        if self.cursor_record is not None and self.cursor_record.row.rollout_id == rollout_id:
            return
        for row_id in self._rows:
            if self._rows.records[row_id].row.rollout_id == rollout_id:
                self._grid.select(row_id)
                return

    def action_reverse(self) -> None:
        super().action_reverse()
        if not self._rows:
            refuse(self, "no hits to sort")

    def copy_text(self) -> str | None:
        hit = self.hit()
        return None if hit is None else f"{hit.hit.before}{hit.hit.text}{hit.hit.after}"
