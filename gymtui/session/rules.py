"""Rules that a person armed on runs: what to tell, or when to cancel, and what became of them.

A rule is looked at with every answer, so a pass rate counts only as far as it is certain
(`store.stats.confidence_sequence`). Nothing is cancelled that was not armed by hand. Rules are kept
in a file beside the journal and survive a restart; what another program of the same person arms or
removes there holds here too. `wait --cancel-if` has the same conditions.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import is_
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from gymtui.core.atomic_write import locked, replace_text
from gymtui.core.pieces import result_of
from gymtui.core.replacement import replace
from gymtui.session.actions import Verb, describe_result
from gymtui.session.alerts import WATCH_ENDS, AlertKind, RunAlert
from gymtui.session.run_actions import Action
from gymtui.store.formats import interval_words, of_many, percent
from gymtui.store.lists.columns import RunView, certain_interval
from gymtui.store.lists.query import Filter, FilterError
from gymtui.store.rules import WITH_CONDITION, RuleKind, RuleSpec, condition
from gymtui.store.stats.confidence_sequence import anytime_interval
from gymtui.store.stats.failures import ERROR_OUTCOMES, Failures
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Store

log = logging.getLogger(__name__)

JOIN_EVERY_S = 1.0
"""How often it is looked whether another program armed any while there are none: answers come
hundreds at a time."""
MOST = 500
"""Rules that are kept; of more, those that did their work are forgotten first, the oldest first."""


class Rule(Struct, frozen=True):
    """One rule on one run."""

    run_id: str
    kind: RuleKind
    about: str = ""  # the condition of `TELL` and `CANCEL`, the other run of `REGRESSION`, else ""
    armed_s: float = 0.0  # when it was armed, UNIX seconds of the server
    told: tuple[str, ...] = ()  # kinds of errors that were told already
    evaluation: str = ""  # what was found when it was last looked at
    looked_s: float | None = None  # when that was; None before
    outcome: str | None = None  # what it did and why, once that is over

    @property
    def key(self) -> str:
        return json.dumps([self.run_id, self.kind, self.about])

    @property
    def words(self) -> str:
        return RuleSpec(self.kind, self.about).words


class RuleMatch(Struct, frozen=True):
    rule: Rule
    run: RunView
    reason: str  # why, with the figures

    @property
    def cancels(self) -> bool:
        return self.rule.kind is RuleKind.CANCEL


class RuleBook:
    """The rules at one gym; without a path they are not kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rules: dict[str, Rule] = {}
        self._conditions: dict[str, Filter[RunView]] = {}
        self._seen: dict[str, tuple[object, ...]] = {}
        self._errors: dict[str, int] = {}
        self._kept: frozenset[str] = frozenset()
        self._stamp: tuple[int, int] | None = None
        self._joined_s = 0.0
        self._join()

    def __iter__(self) -> Iterator[Rule]:
        return iter(tuple(self._rules.values()))

    def __len__(self) -> int:
        return sum(rule.outcome is None for rule in self._rules.values())

    def arm(self, run_ids: Iterable[str], kind: RuleKind, about: str, now_s: float) -> None:
        """Arm a rule on runs; one that did its work already anew.

        Raises:
            FilterError: The condition is none.
        """
        if kind in WITH_CONDITION:
            condition(about)
        armed = [Rule(run_id, kind, about, now_s) for run_id in run_ids]
        with self._changing():
            for rule in armed:
                self._put(rule)

    def watched_runs(self) -> list[str]:
        """The runs of which it is told when they end, stall or fail."""
        return [
            rule.run_id
            for rule in self._rules.values()
            if rule.kind is RuleKind.WATCH and rule.outcome is None
        ]

    def switch_watch(self, run_ids: Sequence[str], now_s: float) -> list[str]:
        """Watch these runs, or no longer if all of them are watched; which are watched now."""
        watched = frozenset(self.watched_runs())
        if watched.issuperset(run_ids):
            self.disarm(Rule(run_id, RuleKind.WATCH).key for run_id in run_ids)
            return []
        new = [run_id for run_id in run_ids if run_id not in watched]
        self.arm(new, RuleKind.WATCH, "", now_s)
        return list(run_ids)

    def disarm(self, keys: Iterable[str]) -> None:
        gone = frozenset(keys)
        with self._changing():
            for key in gone:
                self._drop(key)

    def note(self, key: str, outcome: str) -> None:
        """Keep what became of what a rule did."""
        if key not in self._rules:
            return
        with self._changing():
            if key in self._rules:
                self._rules[key] = replace(self._rules[key], outcome=outcome)

    def note_alerts(self, alerts: Iterable[RunAlert]) -> None:
        """Keep that what ends a watch was told."""
        for alert in alerts:
            if alert.event in WATCH_ENDS:
                key = Rule(alert.run.row.run_id, RuleKind.WATCH).key
                self.note(key, f"told: {WATCH_ENDS[alert.event]}")

    def evaluate(self, store: Store, now_s: float, *, tells: bool = True) -> tuple[RuleMatch, ...]:
        """See which rules hold now; each is told once.

        Args:
            store: What is known; fresh.
            now_s: The server's time, UNIX seconds.
            tells: Whether somebody is told; else rules that tell are left to where somebody is.
        """
        if self._rules or abs(now_s - self._joined_s) >= JOIN_EVERY_S:
            self._joined_s = now_s
            self._join()
        held: list[RuleMatch] = []
        before = dict(self._rules)
        for key, rule in before.items():
            if rule.outcome is not None or not (tells or rule.kind is RuleKind.CANCEL):
                continue
            row = store.runs.get(rule.run_id)
            if row is None:
                continue  # not listed yet, or of another source
            summary = store.summary(rule.run_id)
            other = store.summary(rule.about) if rule.kind is RuleKind.REGRESSION else None
            seen, last = (row, summary, other), self._seen.get(key, ())
            timed = key in self._conditions and self._conditions[key].timed
            if last and all(map(is_, seen, last)) and not timed:
                continue
            self._seen[key] = seen
            run = RunView(row, summary)
            self._rules[key] = looked = replace(
                rule, evaluation=_figures(run, rule.about), looked_s=now_s
            )
            if row.is_deleted:
                self._rules[key] = replace(looked, outcome="nothing: the run was deleted")
                continue
            self._rules[key], reason = self._evaluate(looked, run, other, store, now_s)
            if reason is not None:
                held.append(RuleMatch(self._rules[key], run, reason))
        moved = {
            key: rule
            for key, rule in self._rules.items()
            if (rule.outcome, rule.told) != (before[key].outcome, before[key].told)
        }
        if moved:
            with self._changing():
                self._rules.update({key: moved[key] for key in moved if key in self._rules})
        return tuple(held)

    def _evaluate(
        self, rule: Rule, run: RunView, other: RunSummary | None, store: Store, now_s: float
    ) -> tuple[Rule, str | None]:
        """The rule as it is after a look, and why it holds if it does."""
        reason: str | None = None
        if rule.kind is RuleKind.WATCH:
            return rule, None  # over once that was told, by `session.alerts`
        if rule.kind is RuleKind.FIRST_ERRORS:
            # Only with another error may there be one of another kind.
            errors = run.summary.errors if run.summary is not None else 0
            new = _new_errors(rule, store) if errors != self._errors.get(rule.key, 0) else []
            self._errors[rule.key] = errors
            if new:
                reported = (*rule.told, *(folded for folded, _ in new))
                texts = "; ".join(text for _, text in new)
                return replace(rule, told=reported), f"first error of its kind: {texts}"
        elif rule.kind is RuleKind.REGRESSION:
            reason = _describe_regression(run, other, rule.about)
        elif (rule.kind is RuleKind.TELL or run.row.active) and self._conditions[rule.key].matches(
            run, now_s
        ):
            reason = f"{rule.about} holds: {rule.evaluation}"
        if reason is not None:
            did = "cancelled" if rule.kind is RuleKind.CANCEL else "told"
            return replace(rule, outcome=f"{did}: {reason}"), reason
        if not run.row.active and (run.summary is None or run.summary.settled):
            did = f"told {of_many(len(rule.told), 'error')}" if rule.told else "nothing"
            return replace(rule, outcome=f"{did}: the run ended"), None
        return rule, None

    def _put(self, rule: Rule) -> None:
        if rule.kind in WITH_CONDITION:
            self._conditions[rule.key] = condition(rule.about)
        self._rules[rule.key] = rule
        self._seen.pop(rule.key, None)

    def _drop(self, key: str) -> None:
        self._rules.pop(key, None)
        self._seen.pop(key, None)

    def _join(self) -> None:
        """Take over what another program of the same person armed, removed or did meanwhile."""
        stamp = _stamp(self._path)
        found = _read(self._path) if stamp is not None and stamp != self._stamp else None
        if found is None:
            return
        kept = {rule.key: rule for rule in found}
        for key in self._kept - kept.keys():
            self._drop(key)
        for key, rule in kept.items():
            own = self._rules.get(key)
            # What tells is told by each of a person's dashboards; what cancels does so once.
            done = rule.kind is RuleKind.CANCEL and rule.outcome is not None
            if own is None or rule.armed_s > own.armed_s or (done and own.outcome is None):
                self._put(rule)
        self._kept, self._stamp = frozenset(kept), stamp

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the rules as they are kept; where they cannot be, those of this program."""
        if self._path is None:
            yield
            return
        with ExitStack() as until:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                until.enter_context(locked(self._path.parent))
            except OSError as error:
                log.warning("rules cannot be kept: %s", error)
                yield
                return
            self._join()
            yield
            try:
                # Those that did their work are forgotten before any that waits.
                kept = sorted(self._rules.values(), key=lambda rule: rule.outcome is None)[-MOST:]
                replace_text(self._path, json.dumps({"rules": list(map(asdict, kept))}, indent=1))
                self._kept = frozenset(rule.key for rule in kept)
                self._stamp = _stamp(self._path)
            except OSError as error:
                log.warning("rules cannot be kept: %s", error)


class RuleActions:
    """Carries out the rules of one gym.

    Args:
        tell: Called with what is to be told later than at once.
        shows_alerts: Whether anybody sees alerts; else what tells is left to where somebody does.
    """

    def __init__(
        self,
        rules: RuleBook,
        act: Callable[[Verb, Sequence[str]], Awaitable[Action]],
        tell: Callable[[Sequence[RunAlert]], None],
        *,
        shows_alerts: bool,
    ) -> None:
        self._rules = rules
        self._shows_alerts = shows_alerts
        self._act = act
        self._tell = tell
        self._cancelling: set[asyncio.Future[None]] = set()

    def due(self, store: Store, now_s: float, *, read_only: bool) -> Iterator[RunAlert]:
        """Do what armed rules say that hold now, at the server's UNIX seconds, and tell it."""
        for held in self._rules.evaluate(store, now_s, tells=self._shows_alerts):
            if held.cancels and not read_only:
                cancelling = asyncio.ensure_future(self._cancel_by(held))
                self._cancelling.add(cancelling)
                cancelling.add_done_callback(self._cancelling.discard)
                yield RunAlert(AlertKind.RULE, held.run, f"cancelling: {held.reason}")
            elif held.cancels:
                self._rules.note(held.rule.key, f"nothing: read-only; {held.reason}")
            else:
                yield RunAlert(AlertKind.RULE, held.run, held.reason)

    async def _cancel_by(self, held: RuleMatch) -> None:
        run_id = held.rule.run_id
        result = (await self._act(Verb.CANCEL, [run_id])).results[run_id]
        outcome = f"{describe_result(result)}: {held.reason}"
        self._rules.note(held.rule.key, outcome)
        if not result.is_well:
            self._tell([RunAlert(AlertKind.RULE, held.run, outcome)])


def _figures(run: RunView, condition_text: str) -> str:
    summary = run.summary
    if summary is None or not summary.known:
        return "no rollouts known yet"
    figures = []
    if (bounds := certain_interval(run)) is not None:
        rate = percent(summary.passes / summary.verdicts)
        figures.append(f"pass@1 {rate}, certainly {interval_words(bounds)}% of {summary.verdicts}")
    else:
        figures.append("no verdicts yet")
    if summary.errors or "err" in condition_text:
        figures.append(of_many(summary.errors, "error"))
    return " · ".join(figures)


def _new_errors(rule: Rule, store: Store) -> list[tuple[str, str]]:
    failures = Failures()
    for row in store.rollouts_of(rule.run_id):
        failures.take(row)
    groups = result_of(failures.groups_in_pieces(ERROR_OUTCOMES))
    reported = {words.casefold() for words in rule.told}
    return [(g.folded, g.example) for g in groups if g.folded.casefold() not in reported]


def _describe_regression(run: RunView, other: RunSummary | None, name: str) -> str | None:
    """Why a run is certainly worse than another, by the bounds of both."""
    summary = run.summary
    if summary is None or other is None or not summary.verdicts or not other.verdicts:
        return None
    own = anytime_interval(summary.passes, summary.verdicts)
    its = anytime_interval(other.passes, other.verdicts)
    if own.high >= its.low:
        return None
    rate = percent(summary.passes / summary.verdicts)
    its_rate = percent(other.passes / other.verdicts)
    ours = f"{rate} {interval_words(own)} of {summary.verdicts}"
    return f"worse than {name}: {ours}, it {its_rate} {interval_words(its)}"


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """What tells a file from the one that replaces it; None for none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns)


def _read(path: Path | None) -> list[Rule] | None:
    """The rules of a file, what is none left out; None where there are none to read."""
    if path is None:
        return None
    try:
        kept = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    found = kept.get("rules") if isinstance(kept, dict) else None
    rules = (_rule(each) for each in found) if isinstance(found, list) else iter(())
    return [rule for rule in rules if rule is not None]


def _rule(kept: object) -> Rule | None:
    try:
        rule = msgspec.convert(kept, Rule)
        if rule.kind in WITH_CONDITION:
            condition(rule.about)
    except (msgspec.ValidationError, FilterError):
        return None
    return rule
