"""How far runs are, told while they are waited for: a line rewritten, or a line a change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from gymtui.api.errors import GymError, Unauthorized
from gymtui.cli.follower import Follower
from gymtui.cli.output import Printer
from gymtui.core.text import clean, fit, width
from gymtui.store.formats import count, duration, eta_words, interval_words, of_many, percent
from gymtui.store.lists.columns import RunView, certain_interval, pass_rate
from gymtui.store.stats.formulas import known_sum

BETWEEN = " · "
_LEAST_NAME = 20


class ProgressLine:
    """How far it is: one line rewritten on a terminal, else a line a change.

    Args:
        bounds: Whether to say what is certain of pass@1, by which runs are cancelled.
    """

    def __init__(self, stream: TextIO, *, bounds: bool = False) -> None:
        self._bounds = bounds
        self._printer = Printer.of(stream, os.environ)
        self._rewrites = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""
        self._last_lines: dict[str, str] = {}
        self._forbidden: dict[str, str] = {}

    def show(self, follower: Follower) -> None:
        """Tell how far the runs are, if that is news."""
        for run_id in follower.run_ids:
            self._tell_forbidden(run_id, follower)
        if self._rewrites:
            self._rewrite(follower)
            return
        for view in follower.views:
            if not (view.row.active or follower.settled(view.name)):
                continue  # its last results are still to come: that is told once, with them
            words = describe_progress(view, bounds=self._bounds)
            self._once(view.name, f"{clean(view.name)}: {words}")
        trouble = follower.trouble
        if trouble is not None:
            self._once("", f"{describe_error(trouble.error)}; retrying")
        elif self._last_lines.pop("", None):
            self._printer.write("the gym is answering again\n")

    def _tell_forbidden(self, run_id: str, follower: Follower) -> None:
        error = follower.forbidden(run_id)
        words = "" if error is None else f"{clean(run_id)}: {clean(error.line)}"
        if error is not None and not follower.settled(run_id):
            words += "; retried once a minute"
        if words != self._forbidden.get(run_id, ""):
            self._forbidden[run_id] = words
            self.say(words or f"{clean(run_id)}: the gym is answering again")

    def say(self, words: str) -> None:
        """Say something that stays."""
        if self._shown:
            self._printer.write("\r\x1b[K")
        self._printer.write(f"{words}\n")
        if self._shown:
            self._printer.write(self._shown)

    def end(self) -> None:
        """Leave the terminal's cursor where a prompt may stand."""
        if self._shown:
            self._printer.write("\r\x1b[K")
            self._shown = ""

    def _once(self, name: str, words: str) -> None:
        if self._last_lines.get(name) != words:
            self._last_lines[name] = words
            self._printer.write(f"{words}\n")

    def _rewrite(self, follower: Follower) -> None:
        # The last cell stays free: some terminals would go to the next line.
        cells = (Printer.of(self._printer.stream, os.environ).width or 80) - 1
        shown = summary_line(follower, cells, bounds=self._bounds)
        if shown != self._shown:
            self._shown = shown
            self._printer.write(f"\r{shown}\x1b[K")


def summary_line(follower: Follower, cells: int, *, bounds: bool = False) -> str:
    """All runs in a clean line of so many cells: names are cut, what matters less is left out."""
    views = follower.views
    if follower.trouble is not None:
        problem = describe_error(follower.trouble.error)
        again = f"next try in {duration(follower.trouble.next_try_s)}"
        return _join_fitting([problem, again, *([_done_words(views)] if views else [])], cells)
    if len(follower.run_ids) > 1:
        over = sum(follower.settled(run_id) for run_id in follower.run_ids)
        runs = of_many(len(follower.run_ids), "run")
        return _join_fitting([f"{over} of {runs} ended", _done_words(views)], cells)
    if not views:
        return _join_fitting(["polling"], cells, follower.run_ids[0])
    done, *others = _parts(views[0], bounds=bounds)
    left = views[0].left
    eta = [left if isinstance(left, str) else f"ETA {eta_words(left)}"] if left else []
    return _join_fitting([done, *eta, *others], cells, views[0].name)


def describe_error(error: GymError) -> str:
    """Why there is no news, in a clean line."""
    refused = isinstance(error, Unauthorized)
    return clean(error.line if refused else f"no answer: {error.brief}")


def describe_progress(view: RunView, *, bounds: bool = False) -> str:
    """How far a run is, in a clean line: what is not known is not told."""
    return BETWEEN.join(_parts(view, bounds=bounds))


def _parts(view: RunView, *, bounds: bool) -> list[str]:
    run, summary = view.row.run, view.summary
    if view.row.is_deleted:
        return ["deleted"]
    if run is None:
        return ["malformed"]
    parts = [f"{count(view.finished)}/{count(run.total)} done"]
    rate = pass_rate(view)
    if summary is not None and rate is not None:
        parts.append(
            f"pass@1 {percent(rate)} {interval_words(summary.interval)} of {summary.verdicts}"
        )
    if bounds and (certain := certain_interval(view)) is not None:
        parts.append(f"certainly {interval_words(certain)}%")
    if summary is not None and summary.errors:
        parts.append(of_many(summary.errors, "error"))
    if view.row.active:
        parts += [f"{run.running} running"] if run.running else []
        parts += [f"{run.pending} waiting"] if run.pending else []
    return parts


def _join_fitting(parts: Sequence[str], cells: int, name: str = "") -> str:
    """As many parts as fit, whole; the name before them is cut, but not below `_LEAST_NAME`."""
    line = parts[0]
    room = cells - (min(width(clean(name)), _LEAST_NAME) + 2 if name else 0)
    for part in parts[1:]:
        if width(f"{line}{BETWEEN}{part}") > room:
            break
        line += f"{BETWEEN}{part}"
    if name:
        line = f"{fit(name, max(cells - width(line) - 2, 1))}: {line}"
    return fit(line, cells, cut="end")


def _done_words(views: Sequence[RunView]) -> str:
    runs = [view.row.run for view in views if view.row.run is not None]
    done = known_sum(view.finished for view in views if view.row.run is not None)
    running = known_sum(run.running for run in runs)
    words = f"{count(done)}/{count(known_sum(run.total for run in runs))} done"
    return words if running == 0 else f"{words} · {count(running)} running"
