"""What the launch form shows: its rows, and what is asked before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gymtui.api.models import Scenario, Task
from gymtui.core.text import ABSENT
from gymtui.launching.draft import USER_KEY, Draft
from gymtui.launching.form_fields import (
    BY_PATH,
    FIELDS,
    KEY,
    NAME,
    SCENARIO,
    TASKS,
    FieldKind,
    FormField,
)
from gymtui.launching.rerun import WORDS, Cause
from gymtui.launching.validation import DraftCheck
from gymtui.store.formats import of_many
from gymtui.tui.kit.pick import PickOption
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.launch.form import Row, RowKind

RERUN = "again"
ADVANCED = "advanced"
LAUNCH = "launch"
"""Rows that are no fields."""

_ROW_KINDS = {
    FieldKind.SECRET: RowKind.SECRET,
    FieldKind.CHOICE: RowKind.CHOICE,
    FieldKind.FLAG: RowKind.CHOICE,
}
_LISTED = 6


@dataclass(frozen=True)
class FormState:
    """All that the form shows."""

    draft: Draft
    check: DraftCheck
    refusals: Mapping[str, str] = field(default_factory=dict)  # what the gym refused, by path
    scenarios: Sequence[Scenario] | None = None  # what the gym offers; None for no list
    tasks: Sequence[Task] | None = None  # the scenario's tasks likewise
    open: bool = False  # whether advanced fields are shown
    # Where the keys would come from, by key field.
    key_source: Mapping[str, str] = field(default_factory=dict)
    # Which failures of the parent are rerun; "" where none were chosen by cause.
    rerun_summary: str = ""
    failures: int = 0  # how many rollouts of the parent that is
    enter_key: str = "↵"  # the key that opens what a row has to open
    choice_keys: str = "← →"  # the keys that go through choices

    def is_open(self, path: str) -> bool:
        """Whether an advanced field is shown."""
        is_set = bool(self.draft.text(path)) or path in self.draft.keys
        return self.open or is_set or bool(self.error_of(path))

    @property
    def repeat_warning(self) -> str:
        """That more is run again than failed, where it is: a launch takes tasks as a whole."""
        total, failures = self.check.total or 0, self.failures * len(self.check.variants)
        if not 0 < failures < total:
            return ""
        return f"whole tasks are rerun: {total:,} rollouts for {failures:,} failures"

    def error_of(self, path: str) -> str:
        """What keeps a field from being sent: what the gym refused, else what is plain to see."""
        return self.refusals.get(path) or self.check.problems.get(path, "")

    def feedback(self, path: str) -> Cell:
        """What is wrong with a field, else what may be meant so; nothing of most."""
        if wrong := self.error_of(path):
            return (StyledText(wrong, "failed" if path in self.refusals else "warning"),)
        if remark := self.check.remarks.get(path):
            return (StyledText(remark, "warning" if path in self.check.unlisted else "accent"),)
        return ()


def form_rows_of(form: FormState) -> tuple[Row, ...]:
    """The rows, top to bottom."""
    rows: list[Row] = []
    if form.draft.parent is not None and form.rerun_summary:
        hint = (StyledText(f"{form.enter_key} choose causes", "muted"),)
        rows.append(Row(RERUN, "rerun", (StyledText(form.rerun_summary),), hint, RowKind.ACTION))
    advanced = [known for known in FIELDS if known.advanced]
    shown_fields = [known for known in advanced if form.is_open(known.path)]
    hidden = len(advanced) - len(shown_fields)
    words = of_many(hidden, "more field") if hidden else "hide unset fields"
    how = "show" if hidden else "hide"
    hint = (StyledText(f"{form.enter_key} {how}", "muted"),)
    toggle = Row(ADVANCED, "advanced", (StyledText(words, "muted"),), hint, RowKind.ACTION)
    rows += [_row(form, known) for known in FIELDS if not known.advanced]
    rows += [toggle, *(_row(form, known) for known in shown_fields)]
    # What the gym refused is wrong no less, but is known only until it is asked again.
    wrong = len({*form.check.problems, *form.refusals}) if form.check.problems else 0
    next_ = StyledText(f"{form.enter_key} confirms first", "muted")
    if wrong:
        next_ = StyledText(f"{of_many(wrong, 'field')} to fix", "warning")
    elif form.refusals:
        next_ = StyledText(f"{len(form.refusals)} refused", "warning")
    total: Cell = (StyledText(form.check.words, "strong"),)
    if form.repeat_warning and not wrong:
        failures = form.failures * len(form.check.variants)
        total += (StyledText(f", for {failures:,} failures", "accent"),)
    return (*rows, Row(LAUNCH, "launch", total, (next_,), RowKind.ACTION))


def _row(form: FormState, known: FormField) -> Row:
    path, text = known.path, form.draft.text(known.path)
    kind = _ROW_KINDS.get(known.kind, RowKind.TEXT)
    if known.kind is FieldKind.SECRET:
        key = form.draft.keys.get(path)
        there = "" if form.error_of(path) else form.key_source.get(path, "")
        shown = StyledText("•" * 8) if key is not None else StyledText(there or ABSENT, "muted")
        edited = key.reveal() if key is not None else ""
        return Row(path, known.label, (shown,), _hint(form, known), kind, edited)
    if text:
        value: Cell = (StyledText(text),)
    elif path == NAME:
        value = (StyledText("auto-generated", "muted"),)
    else:
        value = (StyledText(known.default or ABSENT, "muted"),)
    return Row(path, known.label, value, _hint(form, known), kind, text)


def _hint(form: FormState, known: FormField) -> Cell:
    """What is to be said beside a field: what is wrong first."""
    offered = {SCENARIO: form.scenarios, TASKS: form.tasks}.get(known.path)
    if offered and known.path not in form.refusals and not form.draft.text(known.path):
        list_words = StyledText(f" · {form.enter_key} list of {len(offered)}", "muted")
        return (StyledText("required", "warning"), list_words)
    if feedback := form.feedback(known.path):
        return feedback
    words = known.allows
    if known.path == SCENARIO and form.scenarios:
        words = f"{form.enter_key} list of {len(form.scenarios)}"
    elif known.path == TASKS:
        count = len(form.check.tasks)
        if form.tasks:
            list_words = StyledText(f" · {form.enter_key} list", "muted")
            return (StyledText(f"{count} of {len(form.tasks)}", ""), list_words)
        words = of_many(count, "task") if count else "required"
    elif known.path in (KEY, USER_KEY):
        typed = form.draft.keys.get(known.path)
        words = f"typed, {typed.hint}" if typed else "type a key to use it instead"
    elif known.kind in (FieldKind.CHOICE, FieldKind.FLAG):
        words = f"{form.choice_keys} or first letter"
    return (StyledText(words, "muted"),)


def help_cells(form: FormState, key: str) -> tuple[Cell, Cell]:
    """Two lines about the row that is typed: what it is, and all that is to be said of it."""
    known = BY_PATH.get(key)
    if known is None:
        words = {
            RERUN: "which of the parent's failures to rerun: their tasks, each with as many "
            "attempts as the task with the most failures",
            ADVANCED: "rarely needed fields; set fields are always shown",
            LAUNCH: "validates everything, then asks for confirmation",
        }
        return (StyledText(words.get(key, ""), "muted"),), ()
    choices = f": {' '.join(known.choices)}" if known.choices else ""
    about = (StyledText(f"{known.path}  ", "heading"), StyledText(known.help, "muted"))
    if feedback := form.feedback(key):
        return about, feedback
    if key == TASKS and form.check.tasks:
        return about, (StyledText(", ".join(form.check.tasks), "muted"),)
    return about, (StyledText(f"{known.allows}{choices}", "muted"),)


def confirmation_lines(form: FormState, names: Sequence[str], host: str) -> tuple[Cell, ...]:
    """What is to be read before a launch: the runs, the tasks, the keys and how much it is."""
    draft, check = form.draft, form.check
    lines: list[Cell] = []
    for name, variant in list(zip(names, check.variants, strict=True))[:_LISTED]:
        choice = variant.model
        model = choice.name or "the gym's default model"
        settings = "".join(f" · {BY_PATH[path].label} {text}" for path, text in variant.settings)
        sent = StyledText(f"  {model} · {choice.provider}{settings}", "")
        lines.append((StyledText("  "), StyledText(name, "strong"), sent))
    if len(names) > _LISTED:
        lines.append((StyledText(f"  and {len(names) - _LISTED} more runs", "muted"),))
    lines.append(())
    shown = ", ".join(check.tasks[:_LISTED])
    more = f" and {len(check.tasks) - _LISTED} more" if len(check.tasks) > _LISTED else ""
    tasks = f"{len(check.tasks)} of {draft.text(SCENARIO).strip()}: {shown}{more}"
    lines.append((StyledText("  tasks  ", "muted"), StyledText(tasks)))
    if draft.parent is not None:
        causes = f": {form.rerun_summary}" if form.rerun_summary else ""
        what = StyledText(f"a rerun of {draft.parent}{causes}")
        lines.append((StyledText("  rerun  ", "muted"), what))
        if form.repeat_warning:
            lines.append((StyledText("         "), StyledText(form.repeat_warning, "accent")))
    for key, whose in ((KEY, "  key    "), (USER_KEY, "  user's ")):
        if key == USER_KEY and not draft.has_user:
            continue
        typed = draft.keys.get(key)
        key_source = f"typed ({typed.hint})" if typed is not None else form.key_source.get(key, "")
        lines.append((StyledText(whose, "muted"), StyledText(f"{key_source}, sent to {host}")))
    for path, remark in {**check.unlisted, **form.refusals}.items():
        label = StyledText(f"  {BY_PATH[path].label}  ", "muted")
        lines.append((label, StyledText(remark, "warning")))
    if draft.rules:
        words = "; ".join(rule.words for rule in draft.rules)
        lines.append((StyledText("  rules  ", "muted"), StyledText(words)))
    unit = " rollout" if check.total == 1 else " rollouts"
    lines += [(), (StyledText("  "), StyledText(check.words, "strong"), StyledText(unit, "muted"))]
    return tuple(lines)


def scenario_options(scenarios: Sequence[Scenario]) -> tuple[PickOption, ...]:
    """Scenarios as what can be chosen."""
    return tuple(
        PickOption(
            scenario.scenario_id,
            kind=scenario.name or "",
            size="" if scenario.num_tasks is None else of_many(scenario.num_tasks, "task"),
            about=scenario.description or "",
        )
        for scenario in scenarios
    )


def task_options(tasks: Sequence[Task]) -> tuple[PickOption, ...]:
    """Tasks likewise."""
    return tuple(
        PickOption(
            task.task_id,
            kind=task.category or "",
            size="" if task.difficulty is None else str(task.difficulty),
            about=" · ".join(text for text in (task.name, task.description) if text),
        )
        for task in tasks
    )


def cause_options(causes: Sequence[Cause]) -> tuple[PickOption, ...]:
    """What went wrong likewise."""
    return tuple(
        PickOption(
            cause.key,
            kind=WORDS[cause.reason.outcome],
            size=str(len(cause.reason.rollout_ids)),
            about=of_many(len(cause.tasks), "task") + f": {', '.join(cause.tasks)}",
            style="failed" if cause.reason.outcome == "failed" else "error",
            name=cause.reason.text,
        )
        for cause in causes
    )


def rerun_words(causes: Sequence[Cause], chosen: frozenset[str]) -> str:
    """What of it is run again: `4 environment errors, 8 fails`."""
    counted: dict[str, int] = {}
    for cause in causes:
        if cause.key in chosen:
            word = WORDS[cause.reason.outcome]
            counted[word] = counted.get(word, 0) + len(cause.reason.rollout_ids)
    words = [
        f"{n} {word}" if word == "cancelled" else of_many(n, word) for word, n in counted.items()
    ]
    return ", ".join(words) or "nothing chosen"
