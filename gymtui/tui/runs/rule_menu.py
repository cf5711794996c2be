"""What `w` offers on runs: to be told of them, and to have them cancelled when that is certain."""

from __future__ import annotations

from collections.abc import Sequence

from gymtui.store.formats import join_names, of_many
from gymtui.store.lists.completion import completions
from gymtui.store.lists.query import FilterError
from gymtui.store.rules import CONDITIONS, RuleKind, RuleSpec, condition
from gymtui.tui.context.routes import OpenRules
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.text_question import TextQuestionScreen

_WATCH, _LIST = "watch", "list"
_LONGEST = 300
"""Characters of a condition."""


def open_rule_menu(screen: GymScreen, run_ids: Sequence[str]) -> None:
    """Ask what is to happen with runs; of such as could not be read, say that nothing can."""
    session, services = screen.session, screen.services
    runs = session.store.runs
    if not any(i in runs and runs[i].malformed is None for i in run_ids):
        _watch(screen, run_ids)
        return
    watched = all(session.alerts.watches(run_id) for run_id in run_ids)
    choices = [
        Choice(_WATCH, RuleKind.WATCH if not watched else "no longer tell"),
        Choice(RuleKind.FIRST_ERRORS, "tell the first error of each kind"),
    ]
    before = session.baseline.compared_with(run_ids[0])
    if before is not None:
        choices.append(Choice(RuleKind.REGRESSION, f"tell if worse than {before}"))
    choices.append(Choice(RuleKind.TELL, "tell when …"))
    if not services.read_only:
        choices.append(Choice(RuleKind.CANCEL, "cancel when …"))
    choices.append(Choice(_LIST, f"list rules ({len(session.rules)} armed)"))
    title = run_ids[0] if len(run_ids) == 1 else of_many(len(run_ids), "run")

    def answered(key: str | None) -> None:
        if key == _WATCH:
            _watch(screen, run_ids)
        elif key == _LIST:
            services.navigate(OpenRules())
        elif key in (RuleKind.TELL, RuleKind.CANCEL):
            _ask_condition(screen, run_ids, RuleKind(key))
        elif key is not None:
            about = before or "" if key == RuleKind.REGRESSION else ""
            _arm(screen, run_ids, RuleKind(key), about)

    screen.app.push_screen(MenuScreen(f"rules: {title}", choices), answered)


def _watch(screen: GymScreen, run_ids: Sequence[str]) -> None:
    """Tell when these runs end, or no longer; those that ended already are only named."""
    session, services = screen.session, screen.services
    found = session.watch_for(run_ids)
    if found is None:
        runs = session.store.runs
        rows = [runs[run_id] for run_id in run_ids if run_id in runs]
        gone = any(row.is_deleted for row in rows)
        why = "no longer exists" if gone else "could not be read" if rows else "is chosen"
        services.notify(f"{'this' if rows else 'no'} run {why}: nothing to watch", timeout=3)
        return
    watched, over = found
    if watched:
        words = f"watching {join_names(watched)}: notifies at end, stall or failures"
        services.notify(words, timeout=3)
    elif not over:
        services.notify("no longer watching", timeout=3)
    if over:
        services.notify(f"{join_names(over)} already ended", severity="warning", timeout=3)


def _ask_condition(screen: GymScreen, run_ids: Sequence[str], kind: RuleKind) -> None:
    def check(text: str) -> str | None:
        try:
            condition(text)
        except FilterError as error:
            return error.message
        return None

    def answered(text: str | None) -> None:
        if text is not None:
            _arm(screen, run_ids, kind, text.strip())

    screen.app.push_screen(
        TextQuestionScreen(
            f"{kind} …",
            "",
            hint="pass<30% (once it is certain), errors>=10",
            longest=_LONGEST,
            check=check,
            completions=lambda text: completions(text, CONDITIONS),
        ),
        answered,
    )


def _arm(screen: GymScreen, run_ids: Sequence[str], kind: RuleKind, about: str) -> None:
    """Arm a rule on those of the runs that are not over."""
    session, services = screen.session, screen.services
    runs = session.store.runs
    live = [run_id for run_id in run_ids if run_id in runs and runs[run_id].active]
    if not live:
        services.notify(f"{join_names(run_ids)} already ended", severity="warning", timeout=3)
        return
    session.rules.arm(live, kind, about, session.now().timestamp())
    services.notify(f"armed on {join_names(live)}: {RuleSpec(kind, about).words}", timeout=4)
    session.tell_alerts()
