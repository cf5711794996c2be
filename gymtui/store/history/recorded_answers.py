"""From rows of a recording back to the gym's answers, as they were received. Pure.

Which of them are read is `recording_reader`; who takes them in is `session.playback`, and
`poll.recording_intake` while a recorder is at work.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from gymtui.store.delta import OneRun, Query, RunsPage
from gymtui.store.history.recording_rows import Answer, Snapshot, apply_patch, unpack_query


class RecordedAnswer(Struct, frozen=True):
    """An answer of the gym; times are microseconds by its clock."""

    query: Query
    body: bytes | None  # None for a 404
    at_us: int  # when the clock is taken to have stood as it came
    early_us: int  # the earliest instant at which it was given
    late_us: int  # the latest
    ids: tuple[str, ...] = ()  # what it listed, in a body cut short too
    total: int | None = None  # the gym's own count
    same: bool = False  # whether it is the question's last answer again


class RecordedAnswers:
    """Puts answers together from what changed between them."""

    def __init__(self) -> None:
        self.runs: dict[str, bytes] = {}  # by id, the bytes as they were last
        self.rollouts: dict[str, bytes] = {}  # likewise
        self._listed: dict[Query, tuple[int | None, tuple[str, ...]]] = {}

    def begin(self, snapshot: Snapshot) -> None:
        """Know what a snapshot says, and nothing else."""
        kept = [*snapshot.rollouts.values(), *snapshot.strays.values()]
        self.runs = {i: run.raw for i, run in snapshot.runs.items()}
        self.rollouts = {item.rollout_id: item.raw or b"" for items in kept for item in items}
        self._listed = {}
        for page in snapshot.listed:
            try:
                self._listed[unpack_query(page.asked)] = (page.total, page.ids)
            except ValueError:
                continue

    def read(self, row: Answer, *, whole: bool = True) -> RecordedAnswer | None:
        """Put an answer together; None for one that cannot be.

        Args:
            whole: Whether the body has all that was listed. Else it may be cut short, and be said
                to be, where the same was listed as before: it has what changed since.
        """
        try:
            query = unpack_query(row.asked)
            raws = self.runs if isinstance(query, RunsPage | OneRun) else self.rollouts
            for change in row.items:
                raws[change[0]] = apply_patch(raws.get(change[0], b""), change)
        except ValueError:
            return None
        total, ids = self._listed.get(query, (None, ()))
        same = row.ids is None and row.total == total and not row.items
        ids = ids if row.ids is None else row.ids
        self._listed[query] = (row.total, ids)
        if isinstance(query, OneRun):
            body = raws.get(query.run_id)
        elif row.ids is None and not whole and not isinstance(query, RunsPage):
            body = body_of(query, len(ids) + 1, (raws[change[0]] for change in row.items))
        else:
            body = body_of(query, row.total, (raws[i] for i in ids if i in raws))
        early_us, at_us = row.late_us - row.width_us, row.late_us - row.age_us
        body = body if row.found else None
        return RecordedAnswer(query, body, at_us, early_us, row.late_us, ids, row.total, same)


def body_of(query: Query, total: int | None, items: Iterable[bytes]) -> bytes:
    """A list as the gym would send it."""
    name = b"runs" if isinstance(query, RunsPage) else b"rollouts"
    count = b"null" if total is None else b"%d" % total
    return b'{"total":' + count + b',"' + name + b'":[' + b",".join(items) + b"]}"
